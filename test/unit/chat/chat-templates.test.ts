/** Chat templates that mean harm: each is refused in words, and nothing but its own process ends. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LayoutAnswer, LayoutRequest, Role } from '../../../language-server/chat/template/layout';
import { Layouts } from '../../../language-server/chat/template/layouts';
import { TemplateProcess } from '../../../language-server/chat/template/template-process';

const roles: readonly Role[] = ['system', 'user'];
const good = '{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}';
const named = (chatTemplate: string, name = 'Model') => ({ name, chatTemplate });
const doubled = (times: number, text = 'xxxxxxxxxxxxxxxx') =>
  `{% set ns = namespace(s='${text}') %}{% for i in range(${times}) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`;
const grown = (times: number, item: string, how: string) =>
  `{% set ns = namespace(l=${item}) %}{% for i in range(${times}) %}{% set ns.l = ${how} %}{% endfor %}`;

const hostile: readonly (readonly [string, string])[] = [
  ['splits a string that it has doubled', `${doubled(25)}{{ ns.s.split('x') | length }}`],
  ['splits a string that just fits', `${doubled(24)}{{ ns.s.split('x') | length }}`],
  ['replaces in a string that it has doubled', `${doubled(24)}{{ ns.s | replace('x', 'yy') | length }}`],
  ['replaces nothing by something', `${doubled(24)}{{ ns.s | replace('', 'y') | length }}`],
  ['replaces with what is long itself', `${doubled(16)}{{ ns.s | replace('x', ns.s) | length }}`],
  ['makes a range', '{{ range(4000000000) | length }}'],
  ['makes a range downwards', '{{ range(0, -4000000000, -1) | length }}'],
  ['makes a range of words', '{{ range(90000000) | map("string") | list | length }}'],
  ['never ends', '{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}'],
  ['joins by what is long', `${doubled(22)}{{ range(100) | list | join(ns.s) | length }}`],
  ['turns a long string around', `${doubled(24)}{{ ns.s[::-1] | length }}`],
  ['indents many lines far', `${doubled(20, '\\n\\n\\n\\n')}{{ ns.s | indent(100000) | length }}`],
  ['compares long strings', `${doubled(24)}{{ (ns.s + 'y') == (ns.s + 'z') }}`],
  ['raises something long', `${doubled(24)}{{ raise_exception(ns.s) }}`],
  ['takes its time where nothing interrupts it', `${doubled(24)}{{ ns.s.split('x') | list | length }}`],
  ['gives out something long', `${doubled(24)}{{ ns.s }}`],
  ['gives out more than is tokenized', `${doubled(15)}{% for m in messages %}{{ m.content }}{% endfor %}{{ ns.s }}`],
  ['doubles a list', `${grown(40, '[1, 2, 3, 4]', 'ns.l + ns.l')}{{ ns.l | length }}`],
  ['nests a list twice at each step', `${grown(40, '[1]', '[ns.l, ns.l]')}{{ ns.l | tojson }}`],
  ['nests objects', grown(1_000_000_000, '{}', "{'a': ns.l}")],
  ['calls itself', '{% macro m(x) %}{{ x(x) }}{% endmacro %}{{ m(m) }}'],
  [
    'calls itself twice',
    '{% macro m(f, n) %}{% if n > 0 %}{{ f(f, n - 1) }}{{ f(f, n - 1) }}{% endif %}{% endmacro %}{{ m(m, 60) }}',
  ],
  ['holds itself', '{% set ns = namespace(a=1) %}{% set ns.a = ns %}{{ ns.a | tojson }}'],
  ['writes JSON with wide margins', '{{ [[[[[1]]]]] | tojson(indent=100000000) }}'],
  ['is a list of lists', `{{ ${'['.repeat(60_000)}${']'.repeat(60_000)} }}`],
  ['is a long list', `{{ [${'1,'.repeat(120_000)}1] }}`],
  ['is a long sum', `{{ ${'1+'.repeat(100_000)}1 }}`],
  ['is a long row of filters', `{{ 'a'${'|upper'.repeat(40_000)} }}`],
  ['is mostly blanks', `{% if a %}${' '.repeat(250_000)}x{% endif %}`],
  ['opens comments', '{# '.repeat(80_000)],
  ['begins a text', `{{ '${'\\\\'.repeat(120_000)}`],
];

describe('a hostile template that', () => {
  const layouts = new Layouts();
  afterAll(() => layouts.close());

  test.each(hostile)('%s is refused, and a good template still works', async (_name, chatTemplate) => {
    const failure = () => layouts.layoutOf(named(chatTemplate), roles).catch((error: unknown) => error);
    const first = await failure();
    expect(first).toMatchObject({
      code: 'BAD_TEMPLATE',
      message: expect.stringMatching(/^The chat template of Model cannot be used: [^\n]{1,220}\.$/) as string,
    });
    expect(await failure()).toBe(first);
    // a failure is remembered, and so is what went well: another name makes it another template
    expect(
      await layouts.layoutOf(
        named(good, `Good beside ${hostile.findIndex(([, text]) => text === chatTemplate)}`),
        roles,
      ),
    ).toEqual({
      pieces: ['<system>', '<user>', ''],
      systemInUser: false,
    });
  });
});

/** Answers as it is told, and counts. */
class FakeProcess {
  readonly asked: LayoutRequest[] = [];
  readonly #answer: (request: LayoutRequest) => LayoutAnswer | Promise<LayoutAnswer>;

  constructor(answer: (request: LayoutRequest) => LayoutAnswer | Promise<LayoutAnswer>) {
    this.#answer = answer;
  }

  async render(request: LayoutRequest): Promise<LayoutAnswer> {
    this.asked.push(request);
    return this.#answer(request);
  }

  close(): void {}
}

const layoutOf = ({ roles: those }: LayoutRequest) => ({ pieces: ['', ...those], systemInUser: false });
const longer: readonly Role[] = ['system', 'user', 'assistant', 'user'];

describe('the cache of layouts', () => {
  test('makes the layout of a sequence of roles once, even for simultaneous requests', async () => {
    const process = new FakeProcess(layoutOf);
    const layouts = new Layouts(process);
    const all = await Promise.all([roles, roles, longer, roles].map((those) => layouts.layoutOf(named(good), those)));
    expect(all.map(({ pieces }) => pieces.length)).toEqual([3, 3, 5, 3]);
    expect(process.asked.map(({ roles: those }) => those)).toEqual([roles, longer]);
  });

  test('remembers that a template exceeded a limit, for all roles and for waiting requests', async () => {
    const process = new FakeProcess(() => ({ problem: 'it took too long', final: true }));
    const layouts = new Layouts(process);
    const failures = await Promise.all(
      [roles, longer, ['user'] as const].map((those) =>
        layouts.layoutOf(named('x'), those).catch((error: unknown) => error),
      ),
    );
    expect(new Set(failures).size).toBe(1);
    expect(process.asked).toHaveLength(1);
    await expect(layouts.layoutOf(named('y'), roles)).rejects.toMatchObject({ code: 'BAD_TEMPLATE' });
    await expect(layouts.layoutOf(named('x', 'Another'), roles)).rejects.toThrow('of Another cannot be used');
    expect(process.asked).toHaveLength(3);
  });

  test('remembers that a template refused certain roles, and still tries others', async () => {
    const refuses = ({ roles: those }: LayoutRequest) => those.length > 2;
    const process = new FakeProcess((request) =>
      refuses(request) ? { problem: 'no', final: false } : layoutOf(request),
    );
    const layouts = new Layouts(process);
    for (let times = 0; times < 2; times++) {
      await expect(layouts.layoutOf(named('x'), longer)).rejects.toMatchObject({ code: 'BAD_TEMPLATE' });
      expect((await layouts.layoutOf(named('x'), roles)).pieces).toHaveLength(3);
    }
    expect(process.asked).toHaveLength(2);
  });

  test('remembers nothing when the process did not start', async () => {
    let starts = false;
    const process = new FakeProcess((request) => {
      if (!starts) {
        throw new Error('no process');
      }
      return layoutOf(request);
    });
    const layouts = new Layouts(process);
    await expect(layouts.layoutOf(named(good), roles)).rejects.toThrow('no process');
    starts = true;
    expect((await layouts.layoutOf(named(good), roles)).pieces).toHaveLength(3);
  });

  test('does not grow without bound', async () => {
    const process = new FakeProcess(layoutOf);
    const layouts = new Layouts(process);
    for (let turns = 0; turns < 200; turns++) {
      await layouts.layoutOf(
        named(good),
        Array.from({ length: turns }, () => 'user' as const),
      );
    }
    await layouts.layoutOf(named(good), []);
    // the first was let go of
    expect(process.asked).toHaveLength(201);
  });

  test('reports a failure in one line, without invisible characters', async () => {
    const process = new FakeProcess(() => ({ problem: `a\n\u001b[31m\u202eb${'c'.repeat(5000)}`, final: false }));
    const message = await new Layouts(process).layoutOf(named('x'), roles).catch(String);
    expect(message).toMatch(/cannot be used: a \[31mbc+\.$/);
    expect(String(message).length).toBeLessThan(300);
  });
});

describe('the process of the templates', () => {
  test.each(['main', 'cli'])(
    'is the only one with the renderer: the bundle of %s.ts does not contain it',
    async (entry) => {
      const inputsOf = async (name: string) => {
        const { metafile } = await build({
          entryPoints: [path.join(import.meta.dirname, '..', '..', '..', 'language-server', `${name}.ts`)],
          bundle: true,
          write: false,
          metafile: true,
          outfile: `${name}.js`,
          platform: 'node',
          mainFields: ['module', 'main'],
          logLevel: 'error',
        });
        return Object.keys(metafile.inputs).filter((input) => input.includes('@huggingface/jinja/'));
      };
      expect(await inputsOf('chat/template/renderer')).not.toEqual([]);
      expect(await inputsOf(entry)).toEqual([]);
    },
  );

  const processes: TemplateProcess[] = [];
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-template-'));
  });
  afterEach(() => {
    for (const process of processes.splice(0)) {
      process.close();
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function running(script: string, idleMs?: number): TemplateProcess {
    const file = path.join(folder, `${processes.length}-${script.length}.cjs`);
    writeFileSync(file, script);
    const process = new TemplateProcess({ script: file, ...(idleMs === undefined ? {} : { idleMs }) });
    processes.push(process);
    return process;
  }

  const request = { source: good, roles };
  const answering = (answer: string) =>
    `process.on('message', () => process.send(${answer})); process.on('disconnect', () => process.exit()); process.send('ready');`;

  test('gets only the environment variables that it needs, and runs in no workspace', async () => {
    process.env['FASA_TEST_SECRET'] = 'secret';
    const seen = answering(
      "{ problem: [process.cwd(), process.env.FASA_TEST_SECRET, process.env.PATH].map(String).join(' '), final: false }",
    );
    const answer = await running(seen).render(request);
    delete process.env['FASA_TEST_SECRET'];
    expect(answer).toMatchObject({ problem: `${path.parse(process.execPath).root} undefined undefined` });
  });

  test.each([
    ['nothing that is known', '{ what: 1 }'],
    ['too few pieces', "{ pieces: [''], systemInUser: false }"],
    ['pieces that are no text', '{ pieces: [1, 2, 3], systemInUser: false }'],
  ])('is not trusted when it answers with %s', async (_name, answer) => {
    expect(await running(answering(answer)).render(request)).toMatchObject({ final: true });
  });

  test('does not blame the template when it does not start', async () => {
    await expect(running('throw new Error();').render(request)).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(running("process.send('what?');").render(request)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  test('is started again after it died', async () => {
    const once = `process.on('message', ({ source }) => source === '' ? process.abort() : process.send({ problem: 'pid ' + process.pid, final: false })); process.send('ready');`;
    const renderer = running(once);
    const first = await renderer.render(request);
    expect(await renderer.render({ source: '', roles })).toMatchObject({ final: true });
    const second = await renderer.render(request);
    expect(second).toMatchObject({ problem: expect.stringContaining('pid ') });
    expect(second).not.toEqual(first);
  });

  test('does not blame the template when it died while idle', async () => {
    const dying =
      "process.on('message', () => { process.send({ problem: 'pid ' + process.pid, final: false }, () => process.exit()); }); process.send('ready');";
    const renderer = running(dying);
    const first = await renderer.render(request);
    // it is asked again at once, before its end is known
    expect(await renderer.render(request)).toMatchObject({ problem: expect.stringContaining('pid ') });
    expect(first).toMatchObject({ problem: expect.stringContaining('pid ') });
  });

  test('is killed when it does not answer, and the next template gets a new one', async () => {
    const renderer = running(
      "process.on('message', ({ source }) => { while (source === ''); process.send({ problem: 'no', final: false }); }); process.send('ready');",
    );
    const answer = await renderer.render({ source: '', roles });
    expect(answer).toMatchObject({ problem: 'it took more than 4 seconds', final: true });
    expect(await renderer.render(request)).toMatchObject({ problem: 'no' });
  });

  test('ends after it was idle', async () => {
    const pid = answering("{ problem: 'pid ' + process.pid, final: false }");
    const renderer = running(pid, 1);
    const first = await renderer.render(request);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await renderer.render(request)).not.toEqual(first);
  });

  test('rejects requests after it was closed, and is not started again', async () => {
    const renderer = running("process.on('message', () => { for (;;); }); process.send('ready');");
    const asked = renderer.render(request);
    await new Promise((resolve) => setTimeout(resolve, 100));
    renderer.close();
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(renderer.render(request)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
