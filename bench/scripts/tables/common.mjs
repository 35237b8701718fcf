/** Records, and how their figures are written in tables. */
import path from 'node:path';
import { Failure } from '../../../scripts/lib/failure.mjs';
import { readJson } from '../../../scripts/lib/files.mjs';
import { root } from '../../../scripts/lib/paths.mjs';

export function read(name) {
  const record = readJson(path.join(root, 'docs', 'measured', `${name}.json`));
  if (!record) throw new Failure(`docs/measured/${name}.json is missing: node bench/scripts/records.mjs makes it.`);
  return record;
}

/** Of what takes hours: its table stays as it is without the record. */
export function readIfThere(name) {
  const record = readJson(path.join(root, 'docs', 'measured', `${name}.json`));
  if (!record) process.stdout.write(`no docs/measured/${name}.json, so its table stays\n`);
  return record;
}

export const count = (value) => value.toLocaleString('en-US');
export const percent = (share) => `${(100 * share).toFixed(0)} %`;
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** @param {readonly string[]} titles @param {readonly (readonly (string | number)[])[]} rows */
export function markdown(titles, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What the reader must know of a run: how busy the machine was, and when it was. */
export function when({ date, loadAverage }) {
  const parts = [
    ...(date === undefined ? [] : [`Measured on ${date}.`]),
    ...(loadAverage === undefined ? [] : [`Load average at the end: ${loadAverage.toFixed(1)}.`]),
  ];
  return parts.length === 0 ? '' : `\n\n${parts.join(' ')}`;
}

export const milliseconds = (value) => `${value < 100 ? value.toFixed(1) : count(Math.round(value))} ms`;
export const times = (value) => `${value.toFixed(2)}x`;
