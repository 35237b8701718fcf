import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCommandLine, parsePlace } from '../../../language-server/cli/arguments';

const parse = (...argv: string[]) => parseCommandLine(argv, '/here');

describe('the command line', () => {
  test('parses a command, operands, and options with defaults', () => {
    expect(parse('ask', 'what', 'is', 'it')).toEqual({
      kind: 'command',
      command: 'ask',
      encode: false,
      stdio: false,
      operands: ['what', 'is', 'it'],
      options: {
        repo: path.resolve('/here'),
        repos: [path.resolve('/here')],
        repositoryTokens: 0,
        rows: 'f16',
        model: '',
        attention: 'auto',
        budget: 0,
        threads: 0,
        device: '',
        contextTokens: 0,
        seed: undefined,
        json: false,
      },
      corpus: undefined,
      label: undefined,
      out: undefined,
      crossFile: {},
      mirror: undefined,
      proxy: undefined,
      folders: [],
    });
  });

  test('accepts the folders, the mirror and the proxy of the models commands', () => {
    const argv = [
      'models',
      'list',
      '--folder',
      'a',
      '--folder',
      '/b',
      '--mirror',
      'https://m.example',
      '--proxy',
      'p:1',
    ];
    expect(parse(...argv)).toMatchObject({
      folders: [path.resolve('/here/a'), path.resolve('/b')],
      mirror: 'https://m.example',
      proxy: 'p:1',
    });
    expect(() => parse('models', 'list', '--mirror', 'm.example')).toThrow('--mirror must be an http:// or https://');
  });

  test('accepts all common options', () => {
    const argv =
      'complete a:1:1 --repo r --rows q8_0 --model m --attention fasa-c --budget 64 --threads 2 --context-tokens 512 --seed 0 --json';
    expect(parse(...argv.split(' '))).toMatchObject({
      options: {
        repo: path.resolve('/here/r'),
        rows: 'q8_0',
        model: 'm',
        attention: 'fasa-c',
        budget: 64,
        threads: 2,
        contextTokens: 512,
        seed: 0,
        json: true,
      },
    });
  });

  test('recognizes --help and --version', () => {
    expect(parse('--help').kind).toBe('help');
    expect(parse('complete', '-h').kind).toBe('help');
    expect(parse('--version').kind).toBe('version');
  });

  test.each([
    ['nothing', [], 'No command'],
    ['an unknown option', ['ask', '--fast'], '--fast'],
    ['an option without its value', ['ask', '--model'], '--model'],
    ['a value for a flag', ['ask', '--json=yes'], '--json'],
    ['an unknown mode', ['ask', '--attention', 'sparse'], '--attention must be'],
    ['a text for a number', ['ask', '--budget', 'all'], '--budget must be'],
    ['a negative number', ['ask', '--threads=-1'], '--threads must be'],
    ['zero where it means nothing', ['ask', '--threads', '0'], '--threads must be'],
    ['a huge number', ['ask', '--seed', '99999999999'], '--seed must be'],
  ])('refuses %s', (_name, argv, message) => {
    expect(() => parse(...argv)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(message) as string }) as Error,
    );
  });
});

describe('FILE:LINE:COLUMN', () => {
  test('is parsed into file, line and column, even if the name contains colons', () => {
    expect(parsePlace('src/a.ts:12:3')).toEqual({ file: 'src/a.ts', line: 12, column: 3 });
    expect(parsePlace('C:\\a:b.ts:1:1')).toEqual({ file: 'C:\\a:b.ts', line: 1, column: 1 });
  });

  test.each(['a.ts', 'a.ts:1', 'a.ts:0:1', 'a.ts:1:0', 'a.ts:x:1', ':1:1', 'a.ts:1:1:'])(
    'is refused when it is "%s"',
    (text) => {
      expect(() => parsePlace(text)).toThrow('is not FILE:LINE:COLUMN');
    },
  );
});
