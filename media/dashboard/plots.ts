/** The two plots, in the colours of the theme. They are drawn again when the theme changes. */

import uPlot from 'uplot';
import type { BytesSample, SpeedSample } from '../../language-server/protocol/dashboard-page';
import { formatBytes, formatCount, formatMs } from '../../language-server/protocol/format';
import { element } from '../dom';

const height = 220;
/** Steps between labels of a time axis, in seconds: the labels show no fractions of a second. */
const wholeSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];

function colour(name: string, fallback = 'foreground'): string {
  const style = getComputedStyle(document.body);
  return (
    style.getPropertyValue(`--vscode-${name}`).trim() || style.getPropertyValue(`--vscode-${fallback}`).trim() || 'gray'
  );
}

/** @param size of the axis in pixels; @param space between two labels in pixels */
function axis(size: number, values: (value: number) => string, space = 40): uPlot.Axis {
  return {
    size,
    space,
    stroke: colour('foreground'),
    grid: { stroke: colour('widget-border', 'editorWidget-border'), width: 1 },
    ticks: { stroke: colour('widget-border', 'editorWidget-border'), width: 1 },
    values: (_plot, splits) => splits.map(values),
  };
}

/** One plot in its frame, with a text that describes it for screen readers. */
class Plot<S> {
  readonly root: HTMLElement;
  readonly #frame = element('div', { class: 'plot', role: 'img' });
  readonly #none: HTMLElement;
  readonly #draw: (
    samples: readonly S[],
    width: number,
  ) => { options: uPlot.Options; data: uPlot.AlignedData; words: string };
  #plot: uPlot | undefined;
  #samples: readonly S[] = [];

  constructor(
    title: string,
    none: string,
    draw: (samples: readonly S[], width: number) => { options: uPlot.Options; data: uPlot.AlignedData; words: string },
  ) {
    this.#draw = draw;
    this.#none = element('p', { class: 'muted' }, none);
    this.root = element('section', { class: 'card' }, element('h2', {}, title), this.#none, this.#frame);
    new ResizeObserver(() => this.#resize()).observe(this.#frame);
  }

  update(samples: readonly S[]): void {
    this.#samples = samples;
    this.#none.hidden = samples.length > 0;
    this.#frame.hidden = samples.length === 0;
    this.redraw();
  }

  redraw(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    const width = this.#frame.clientWidth;
    if (this.#samples.length === 0 || width === 0) {
      return;
    }
    const { options, data, words } = this.#draw(this.#samples, width);
    this.#frame.setAttribute('aria-label', words);
    this.#plot = new uPlot(options, data, this.#frame);
  }

  #resize(): void {
    const width = this.#frame.clientWidth;
    if (this.#plot === undefined) {
      this.redraw();
    } else if (width > 0) {
      this.#plot.setSize({ width, height });
    }
  }
}

/** Formats the sample under the pointer for the legend, or the last one while the pointer is elsewhere. */
function legendValue(format: (value: number) => string) {
  return (plot: uPlot, value: number | null, series: number): string => {
    const shown = value ?? plot.data[series]?.at(-1);
    return typeof shown === 'number' ? format(shown) : '';
  };
}

export function bytesPlot(): Plot<BytesSample> {
  return new Plot('Memory over time', 'The cache is empty.', (samples, width) => {
    const last = samples.at(-1);
    const value = legendValue(formatBytes);
    return {
      options: {
        width,
        height,
        axes: [{ ...axis(40, clock, 90), incrs: wholeSeconds }, axis(72, formatBytes)],
        series: [
          { label: 'Time', value: legendValue(clock) },
          { label: 'dense f16 would take', stroke: colour('charts-red'), width: 2, value },
          { label: 'in memory', stroke: colour('charts-blue'), width: 2, dash: [8, 3], value },
          { label: 'offloaded', stroke: colour('charts-green'), width: 2, dash: [2, 3], value },
        ],
      },
      data: [
        samples.map(({ at }) => at / 1000),
        samples.map(({ fullBytes }) => fullBytes),
        samples.map(({ fastBytes }) => fastBytes),
        samples.map(({ slowBytes }) => slowBytes),
      ],
      words: `Memory over time: now ${formatBytes(last?.fastBytes ?? 0)} in memory and ${formatBytes(last?.slowBytes ?? 0)} offloaded; a dense cache would take ${formatBytes(last?.fullBytes ?? 0)}.`,
    };
  });
}

export function speedPlot(): Plot<SpeedSample> {
  return new Plot('Time per token by cached tokens', 'Not measured yet.', (unsorted, width) => {
    const samples = [...unsorted].sort((left, right) => left.atTokens - right.atTokens);
    const value = legendValue(formatMs);
    const last = unsorted.at(-1);
    return {
      options: {
        width,
        height,
        scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, max * 1.1] } },
        axes: [axis(40, formatCount, 70), axis(64, formatMs)],
        series: [
          { label: 'Cached tokens', value: legendValue(formatCount) },
          { label: 'dense', stroke: colour('charts-red'), width: 1, points: { show: true, size: 8 }, value },
          {
            label: 'FASA',
            stroke: colour('charts-blue'),
            width: 1,
            dash: [8, 3],
            points: { show: true, size: 8 },
            value,
          },
        ],
      },
      data: [
        samples.map(({ atTokens }) => atTokens),
        samples.map(({ denseMs }) => denseMs),
        samples.map(({ fasaMs }) => fasaMs),
      ],
      words: `Time per token, measured ${samples.length} times; last at ${formatCount(last?.atTokens ?? 0)} tokens: dense ${formatMs(last?.denseMs ?? 0)}, FASA ${formatMs(last?.fasaMs ?? 0)}.`,
    };
  });
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
}
