"""How the page looks: light and dark, narrow and wide, and on paper."""

CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --muted: #57606a; --line: #d0d7de; --box: #f6f8fa;
  --link: #0757a8; --blue: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15191e; --ink: #e6edf3; --muted: #a3adb8; --line: #3b434d; --box: #1d232a; --link: #79b8ff;
    --blue: #3391d4; } }
@media print { :root { color-scheme: light; --paper: #ffffff; --ink: #000000; --muted: #444444; --line: #bbbbbb;
  --box: #ffffff; --link: #000000;
  --blue: #0072b2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem clamp(0.9rem, 3vw, 2rem) 3rem; max-width: 76rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 0.5rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 0.5rem; }
p { max-width: 46rem; margin: 0.5rem 0; }
a { color: var(--link); }
code { font-size: 0.9em; overflow-wrap: anywhere; }
nav ol { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; margin: 0.75rem 0; padding: 0; list-style: none; }
figcaption { color: var(--muted); font-size: 0.875rem; }
.missing { border-left: 4px solid var(--line); padding: 0.25rem 0.75rem; color: var(--muted); }
.cards { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); }
.card { background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: 0.6rem 0.9rem; }
.card h4, .card p { margin: 0; font-size: 0.9rem; }
.card .figure { font-size: 1.7rem; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures { display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
figure { margin: 0.5rem 0; max-width: 34rem; break-inside: avoid; }
figure.table { max-width: none; }
figcaption { max-width: 46rem; }
figure svg { display: block; width: 100%; height: auto; color: var(--ink); }
.scroll { overflow-x: auto; margin: 0.25rem 0 0.75rem; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.4rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; }
th.text, td.text { text-align: left; }
tbody th.text { white-space: normal; min-width: 9rem; }
td.long { white-space: normal; min-width: 16rem; overflow-wrap: anywhere; }
tr.best { background: var(--box); font-weight: 600; }
summary { cursor: pointer; padding: 0.3rem 0; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media print { body { font-size: 10pt; max-width: none; padding: 0; } nav, .files { display: none; }
  .scroll { overflow: visible; } table { font-size: 7.5pt; } th, td { white-space: normal; padding: 0.1rem 0.3rem; }
  h2 { break-after: avoid; } }
"""

# The page of errors: cards beside each other where there is room, under each other where there is none.
ERRORS_CSS = """
#controls { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; }
#controls label { display: grid; gap: 0.15rem; font-size: 0.875rem; color: var(--muted); flex: 1 1 9rem;
  max-width: 16rem; min-width: 0; }
#controls select, #controls input { width: 100%; min-width: 0; }
select, input, button { font: inherit; color: var(--ink); background: var(--box); border: 1px solid var(--line);
  border-radius: 6px; padding: 0.3rem 0.5rem; min-height: 2.25rem; max-width: 100%; }
button { cursor: pointer; }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 0.3rem; font-size: 0.85em; }
table button { min-height: 1.75rem; min-width: 2.25rem; padding: 0 0.4rem; }
#cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
.error { border: 1px solid var(--line); border-left: 5px solid var(--line); border-radius: 6px; padding: 0.6rem 0.9rem;
  background: var(--box); min-width: 0; break-inside: avoid; scroll-margin: 1rem; }
.error[hidden] { display: none; }
.error.wrong { border-left-color: #d55e00; }
.error.right { border-left-color: #009e73; }
.error h3 { margin: 0; display: flex; gap: 0.5rem; justify-content: space-between; }
.conf { font-variant-numeric: tabular-nums; color: var(--muted); font-weight: 400; }
.tags { display: flex; flex-wrap: wrap; gap: 0.25rem; margin: 0.25rem 0; }
.tag { border: 1px solid var(--line); border-radius: 999px; padding: 0 0.5rem; font-size: 0.75rem;
  color: var(--muted); }
.words { margin: 0.35rem 0; }
.sound { position: relative; height: 7rem; margin: 0.35rem 0; background: #ffffff; border: 1px solid var(--line); }
.sound img { width: 100%; height: 100%; display: block; }
.sound svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.sound polyline { fill: none; stroke: #d55e00; stroke-width: 2; vector-effect: non-scaling-stroke; }
.sound .cursor { stroke: #0072b2; stroke-width: 2; vector-effect: non-scaling-stroke; }
audio { width: 100%; height: 2.5rem; display: block; }
.bars { list-style: none; margin: 0.5rem 0; padding: 0; font-size: 0.8125rem; }
.bars li { display: grid; grid-template-columns: 6.5rem 1fr 2.5rem; gap: 0.4rem; align-items: center; }
.bars .name { overflow: hidden; text-overflow: ellipsis; }
.bars .share { text-align: right; font-variant-numeric: tabular-nums; color: var(--muted); }
.bar { display: inline-block; height: 0.7rem; background: var(--muted); border-radius: 2px; min-width: 1px; }
.bars .bar.true { background: #009e73; }
.error dl { display: grid; grid-template-columns: auto 1fr; gap: 0 0.6rem; margin: 0.5rem 0 0; font-size: 0.8125rem; }
.error dt { color: var(--muted); }
.error dd { margin: 0; overflow-wrap: anywhere; }
.nearest { margin: 0.25rem 0; padding-left: 1.2rem; font-size: 0.8125rem; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { .sound { background: #000000; } .sound img { filter: invert(1); }
  .sound polyline { stroke: #ff9d5c; } .sound .cursor { stroke: #79b8ff; } }
@media print { #controls, audio { display: none; } }
"""

# Emotion over time: a chart as wide as the page.
TIMELINE_CSS = """
.chart { position: relative; height: 12rem; border: 1px solid var(--line); background: var(--box); cursor: pointer;
  touch-action: manipulation; }
.chart svg { width: 100%; height: 100%; display: block; overflow: visible; }
.chart polyline { fill: none; stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.chart .grid { stroke: var(--line); vector-effect: non-scaling-stroke; }
.chart .cursor { stroke: var(--ink); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.ticks { position: relative; height: 1.5rem; font-size: 0.75rem; color: var(--muted); margin: 0 0 0.5rem;
  overflow: hidden; }
.ticks span { position: absolute; transform: translateX(-50%); }
.ticks span:first-child { transform: none; }
.ticks em { position: absolute; right: 0; font-style: normal; background: var(--paper); padding-left: 0.4rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; margin: 0.5rem 0; }
.legend svg { width: 2rem; height: 0.6rem; margin-right: 0.35rem; }
.legend line { stroke-width: 3; }
.now { font-variant-numeric: tabular-nums; }
"""
