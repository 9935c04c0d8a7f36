// The page of the test of the charts: linked charts of a made-up sweep, without a controller.

import { History } from '../../dashboard/src/charts/history';
import { Lines } from '../../dashboard/src/charts/lines';
import { Parallel } from '../../dashboard/src/charts/parallel';
import { Scatter } from '../../dashboard/src/charts/scatter';

const runs = Number(new URLSearchParams(location.search).get('runs') ?? 300);
const rows = Array.from({ length: runs }, (_, row) => row);
const hostile = '<img src="x" onerror="alert(1)">';
const ids = rows.map((row) => `sweep-${row}`);

// The rate rises with the row; the loss is lowest in the middle.
const rate = {
  name: 'lr',
  scale: 'log',
  values: rows.map((row) => 10 ** (-5 + (4 * row) / (runs - 1))),
};
const optimizer = {
  name: hostile,
  scale: 'category',
  values: rows.map((row) => row % 2),
  categories: [hostile, 'sgd'],
};
const momentum = {
  name: 'momentum',
  scale: 'linear',
  values: rows.map((row) => (row % 2 === 1 ? row / runs : NaN)),
};
const loss = {
  name: 'loss',
  scale: 'linear',
  values: rows.map((row) => Math.abs(row / (runs - 1) - 0.5)),
};
const trial = { name: 'trial', scale: 'linear', values: rows };

const charts = [];
window.chosen = [];
window.opened = [];

function add(Kind, label, data, more = {}) {
  const place = document.createElement('div');
  place.className = 'place';
  document.body.append(place);
  const onselect = (chosen) => {
    window.chosen = chosen;
    for (const chart of charts) chart.select(chosen);
  };
  const onhover = (id) => charts.forEach((chart) => chart.hover(id));
  const onopen = (id) => window.opened.push(id);
  const chart = new Kind(place, { label, onselect, onhover, onopen, ...more });
  charts.push(chart);
  chart.set(data);
}

add(Parallel, 'parallel', {
  ids,
  dimensions: [rate, optimizer, momentum, loss],
  metric: 3,
  maximize: false,
});
const states = rows.map((row) => (row % 10 === 0 ? 'failed' : 'finished'));
add(History, 'history', {
  ids,
  x: trial,
  value: loss,
  states,
  maximize: false,
});
add(Scatter, 'slice', { ids, x: rate, y: loss, colour: loss, maximize: false });

const x = Array.from({ length: 100 }, (_, index) => index * 10);
const line = (id, last) => ({ id, label: `${id} ${hostile}`, last });
const series = [
  line(
    'sweep-1',
    x.map((at) => 1.5 + Math.sin(at / 90)),
  ),
  line(
    'sweep-2',
    x.map((at) => (at < 400 || at > 600 ? 2 : NaN)),
  ),
];
const lines = { x, xName: 'step', xScale: 'linear', yName: 'loss', series };
add(Lines, 'first', lines, { group: 'linked' });
add(Lines, 'second', lines, { group: 'linked', logY: true });
