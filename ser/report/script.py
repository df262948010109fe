"""JavaScript of the pages: small scripts that need no library and no server."""

# The address holds the state of the filters, so that a view can be bookmarked and shared.
ERRORS_SCRIPT = """
(function () {
  'use strict';
  var names = ['list', 'true', 'pred', 'speaker', 'sort', 'search'];
  var box = document.getElementById('cards');
  var cards = Array.from(box.children);
  var field = function (name) { return document.getElementById(name); };
  function by(name) {
    return function (a, b) { return name(a).localeCompare(name(b)) || b.dataset.conf - a.dataset.conf; };
  }
  var orders = {
    sure: by(function (card) { return card.classList.contains('wrong') ? '0' : '1'; }),
    unsure: function (a, b) { return a.dataset.margin - b.dataset.margin; },
    speaker: by(function (card) { return card.dataset.speaker; }),
    pair: by(function (card) { return card.dataset.true + ' ' + card.dataset.pred; })
  };
  function show() {
    var words = field('search').value.trim().toLowerCase();
    var count = 0;
    cards.forEach(function (card) {
      var fits = ['true', 'pred', 'speaker'].every(function (name) {
        return !field(name).value || card.dataset[name] === field(name).value;
      });
      fits = fits && (!field('list').value || card.dataset.list.split(' ').includes(field('list').value));
      fits = fits && (!words || card.dataset.words.includes(words));
      card.hidden = !fits;
      if (fits) { count += 1; } else { var sound = card.querySelector('audio'); if (sound) { sound.pause(); } }
    });
    var order = orders[field('sort').value] || orders.sure;
    cards.slice().sort(order).forEach(function (card) { box.appendChild(card); });
    field('count').textContent = count + ' of ' + cards.length + ' cards';
    var state = new URLSearchParams();
    names.forEach(function (name) {
      var value = field(name).value;
      if (value && !(name === 'sort' && value === 'sure')) { state.set(name, value); }
    });
    try { history.replaceState(null, '', '#' + state.toString()); } catch (error) { /* a viewer that forbids it */ }
  }
  function restore() {
    var state = new URLSearchParams(location.hash.slice(1));
    names.forEach(function (name) { if (state.has(name)) { field(name).value = state.get(name); } });
    show();
  }
  field('controls').addEventListener('input', show);
  field('controls').addEventListener('submit', function (event) { event.preventDefault(); });
  field('controls').addEventListener('reset', function () { setTimeout(show, 0); });
  document.addEventListener('click', function (event) {
    var button = event.target.closest('button[data-set-true], button[data-set-speaker]');
    if (!button) { return; }
    field('controls').reset();
    if (button.dataset.setTrue !== undefined) {
      field('true').value = button.dataset.setTrue;
      field('pred').value = button.dataset.setPred;
    } else {
      field('speaker').value = button.dataset.setSpeaker;
    }
    setTimeout(function () { show(); field('hear').scrollIntoView(); field('list').focus(); }, 0);
  });
  document.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { return; }
    var shown = Array.from(box.children).filter(function (card) { return !card.hidden; });
    var here = shown.findIndex(function (card) { return card.contains(document.activeElement); });
    if (event.key === 'j' || event.key === 'k') {
      var next = here < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, here + (event.key === 'j' ? 1 : -1)));
      if (shown[next]) { shown[next].focus(); shown[next].scrollIntoView({block: 'nearest'}); }
    } else if (event.key === 'p' && here >= 0) {
      var sound = shown[here].querySelector('audio');
      if (sound) { if (sound.paused) { sound.play(); } else { sound.pause(); } }
    } else {
      return;
    }
    event.preventDefault();
  });
  // One clip at a time, and a cursor that follows it.
  box.addEventListener('play', function (event) {
    document.querySelectorAll('audio').forEach(function (other) { if (other !== event.target) { other.pause(); } });
    (function follow() {
      var line = event.target.closest('article').querySelector('.cursor');
      var place = 1000 * event.target.currentTime / (event.target.duration || 1);
      line.setAttribute('x1', place);
      line.setAttribute('x2', place);
      if (!event.target.paused) { requestAnimationFrame(follow); }
    })();
  }, true);
  window.addEventListener('hashchange', restore);
  restore();
})();
"""

TIMELINE_SCRIPT = """
(function () {
  'use strict';
  document.querySelectorAll('.recording').forEach(function (section) {
    var chart = section.querySelector('.chart'), sound = section.querySelector('audio');
    if (!chart) { return; }
    var seconds = Number(section.dataset.seconds), line = section.querySelector('.cursor');
    var now = section.querySelector('.now'), whole = now.textContent, place = 0;
    var rows = Array.from(section.querySelectorAll('tbody tr')).map(function (row) {
      var cells = Array.from(row.children).map(function (cell) { return cell.textContent; });
      return {start: Number(cells[0]), end: Number(cells[1]), emotion: cells[2], row: row};
    });
    function show(at) {
      place = Math.min(seconds, Math.max(0, at));
      line.setAttribute('x1', 1000 * place / seconds);
      line.setAttribute('x2', 1000 * place / seconds);
      chart.setAttribute('aria-valuenow', place.toFixed(2));
      // Of windows that overlap, the one whose middle is nearest.
      var best = null;
      rows.forEach(function (one) {
        one.row.classList.remove('best');
        var here = one.start <= place && place <= one.end;
        var off = function (other) { return Math.abs((other.start + other.end) / 2 - place); };
        if (here && (!best || off(one) < off(best))) { best = one; }
      });
      if (best) { best.row.classList.add('best'); }
      now.textContent = place.toFixed(1) + ' s: ' + (best && best.emotion !== '-' ? best.emotion : 'no speech') +
        ' (' + whole + ')';
    }
    function go(at) {
      show(at);
      if (sound) { sound.currentTime = Math.min(place, sound.duration || place); }
    }
    chart.addEventListener('click', function (event) {
      var box = chart.getBoundingClientRect();
      go(seconds * (event.clientX - box.left) / box.width);
    });
    chart.addEventListener('keydown', function (event) {
      var steps = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10};
      if (event.key in steps) { go(place + steps[event.key]); }
      else if (event.key === 'Home') { go(0); }
      else if (event.key === 'End') { go(seconds); }
      else if ((event.key === ' ' || event.key === 'p') && sound) { sound.paused ? sound.play() : sound.pause(); }
      else { return; }
      event.preventDefault();
    });
    if (sound) {
      sound.addEventListener('play', function () {
        document.querySelectorAll('audio').forEach(function (other) { if (other !== sound) { other.pause(); } });
        (function follow() { show(sound.currentTime); if (!sound.paused) { requestAnimationFrame(follow); } })();
      });
      sound.addEventListener('seeked', function () { show(sound.currentTime); });
    }
  });
})();
"""
