/** Models whose chat template means harm, over real pipes: a question ends with an error, the server goes on. */

import { afterEach, describe, expect, test } from 'vitest';
import type { AskResult, AskSize } from '../../../language-server/protocol/server';
import { type Client, startServer, stopServers } from '../tools/client';

afterEach(stopServers);

const doubled = (times: number) =>
  `{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(${times}) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`;
const endless = '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}';
const uri = 'file:///project/demo.ts';
const answers = [{ when: '', text: 'first(1);\n' }];

function ask(client: Client, question: string): Promise<AskResult> {
  return client.connection.sendRequest('fasa/ask', { conversation: 'one', question, references: [] });
}

function failure(client: Client, question: string): Promise<unknown> {
  return ask(client, question).catch((error: unknown) => error);
}

const refused = {
  message: expect.stringContaining('The chat template of Fake cannot be used: ') as string,
  data: { code: 'BAD_TEMPLATE' },
};

describe('a template that crashes its renderer', () => {
  test.each([
    ['by doubled strings that are replaced in', `${doubled(24)}{{ ns.s | replace('x', 'yy') | length }}`],
    ['by doubled strings that are split', `${doubled(24)}{{ ns.s.split('x') | length }}`],
    ['by a range', '{{ range(4000000000) | length }}'],
    ['by running without end', endless],
  ])('%s is run once, and completions still work', async (_name, chatTemplate) => {
    const client = await startServer({ engine: { chatTemplate, answers } });
    await client.open(uri, 'x = ');
    const first = failure(client, 'Why?');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1);');
    expect(await first).toMatchObject(refused);
    expect(await failure(client, 'And why?')).toMatchObject(refused);
    const params = { messages: [{ role: 'user', text: 'Why?' }] };
    await expect(client.connection.sendRequest('fasa/chat', params)).rejects.toMatchObject(refused);
    expect(client.templateEvents).toEqual(['start', 'render']);
    expect(await client.stop()).toBe(0);
  });

  test('is found out before the question is asked', async () => {
    const client = await startServer({ engine: { chatTemplate: `${doubled(24)}{{ ns.s | replace('x', 'yy') }}` } });
    const params = { conversation: 'one', question: 'Wh', references: [] };
    for (const question of ['Wh', 'Why', 'Why?']) {
      const size: AskSize = await client.connection.sendRequest('fasa/ask/size', { ...params, question });
      expect(size.fits).toBe(true);
    }
    expect(await failure(client, 'Why?')).toMatchObject(refused);
    expect(client.templateEvents).toEqual(['start', 'render']);
  });
});

describe('the process of the templates', () => {
  test('is started once for a conversation, and renders each length of it once', async () => {
    const client = await startServer({ engine: { answers } });
    for (const question of ['One?', 'Two?', 'Three?']) {
      expect((await ask(client, question)).text).toBe('first(1);\n');
    }
    expect(client.templateEvents).toEqual(['start', 'render', 'render', 'render']);
  });

  test('does not delay the end of the server', async () => {
    const client = await startServer({ engine: { chatTemplate: endless } });
    const asked = failure(client, 'Why?');
    await client.until('the template', () => client.templateEvents.includes('render'));
    expect(await client.stop()).toBe(0);
    await asked;
  });

  test.each([
    ['while it is idle', undefined],
    ['while it renders', endless],
  ])('ends when the server is killed, %s', async (_name, chatTemplate) => {
    const client = await startServer({ engine: { answers, ...(chatTemplate === undefined ? {} : { chatTemplate }) } });
    const asked = failure(client, 'Why?');
    await client.until('the template', () => client.templateEvents.includes('render'));
    if (chatTemplate === undefined) {
      await asked;
    }
    client.child.kill('SIGKILL');
    await client.exited;
    await client.until('its end', () => client.templateEvents.includes('exit'));
  });
});
