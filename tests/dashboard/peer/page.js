// The page of the comparison: the same curves drawn by our chart, and by React with ECharts.

import { LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { createElement, useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';

import { Lines } from '../../../dashboard/src/charts/lines';

const SERIES = 50;
const POINTS = 2_000;
/** In so many frames, each of the two has drawn its picture: ours draws for 8 ms at a time. */
const FRAMES = 40;
const x = Array.from({ length: POINTS }, (_, step) => step);

/** Curves that fall and shake, others at each turn. */
function curves(turn) {
  return Array.from({ length: SERIES }, (_, run) => {
    let shake = run * 7919 + turn * 104_729;
    return Float64Array.from(x, (step) => {
      shake = (shake * 1_103_515_245 + 12_345) % 2_147_483_648;
      return 1 / (1 + step / (50 + run)) + shake / 2_147_483_648 / 20;
    });
  });
}

use([LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

function EChart({ values }) {
  const place = useRef(null);
  const chart = useRef(null);
  useEffect(() => {
    chart.current ??= init(place.current);
    chart.current.setOption({
      animation: false,
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'value', max: POINTS },
      yAxis: { type: 'value' },
      series: values.map((line, run) => ({
        type: 'line',
        name: `run ${run}`,
        showSymbol: false,
        lineStyle: { width: 1 },
        data: Array.from(line, (value, step) => [step, value]),
      })),
    });
  }, [values]);
  return createElement('div', { ref: place, className: 'place' });
}

const drawers = {
  ours(place) {
    const chart = new Lines(place, { label: 'curves' });
    return (values) => {
      const series = values.map((last, run) => ({ id: `run-${run}`, label: `run ${run}`, last }));
      chart.set({ x, xName: 'step', xScale: 'linear', yName: 'loss', series });
    };
  },
  echarts(place) {
    const root = createRoot(place);
    return (values) => root.render(createElement(EChart, { values }));
  },
};

const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));

/** Waits until a picture that is drawn in slices is whole, and every pixel of it is there. */
async function painted(place) {
  for (let frames = 0; frames < FRAMES; frames++) await frame();
  for (const canvas of place.querySelectorAll('canvas')) {
    canvas.getContext('2d').getImageData(0, 0, 1, 1);
  }
}

/**
 * Draws curves, then others in their place. Returns how long the page was busy with each, and how
 * long with the same wait without a new picture.
 */
window.draw = async (name, turn) => {
  document.body.replaceChildren();
  const place = document.createElement('div');
  place.className = 'place';
  document.body.append(place);
  const set = drawers[name](place);
  const busy = async (work) => {
    const start = await window.busy();
    work();
    await painted(place);
    return (await window.busy()) - start;
  };
  // To make the curves up is not the work of a chart.
  const [old, next] = [curves(turn), curves(turn + 1)];
  const first = await busy(() => set(old));
  const again = await busy(() => set(next));
  const idle = await busy(() => undefined);
  return { first, again, idle };
};
