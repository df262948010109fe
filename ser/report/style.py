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
