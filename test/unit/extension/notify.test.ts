import { beforeEach, describe, expect, test, vi } from 'vitest';
import { UserError } from '../../../extension/errors';
import { ask, confirm, inform, showFailure, type showLogs } from '../../../extension/notify';

interface Item {
  readonly title: string;
}

/** The editor: what it was asked to show, and the button that the user presses. */
const editor = vi.hoisted(() => ({
  shown: [] as {
    readonly kind: string;
    readonly message: string;
    readonly detail?: string;
    readonly titles: string[];
  }[],
  press: undefined as string | undefined,
}));

vi.mock('vscode', () => {
  const show =
    (kind: string) =>
    async (message: string, ...rest: (Item | { readonly modal: boolean; readonly detail: string })[]) => {
      const items = rest.filter((one) => 'title' in one);
      const [options] = rest.filter((one) => 'modal' in one);
      const titles = items.map(({ title }) => title);
      editor.shown.push({ kind, message, ...(options ? { detail: options.detail } : {}), titles });
      return items.find(({ title }) => title === editor.press);
    };
  return {
    window: {
      showInformationMessage: show('information'),
      showWarningMessage: show('warning'),
      showErrorMessage: show('error'),
    },
  };
});

/** The log: its lines, and how often it was opened. */
function log() {
  const lines: string[] = [];
  const output = { error: (line: string) => lines.push(line), show: vi.fn() };
  return { lines, output: output as unknown as Parameters<typeof showLogs>[0], opened: output.show };
}

beforeEach(() => {
  editor.shown = [];
  editor.press = undefined;
});

describe('a failure', () => {
  test('is shown and not logged when the message is all there is to know', async () => {
    const { lines, output } = log();
    await showFailure(new UserError('a.ts is outside of the workspace.'), 'The command x', output);
    expect(editor.shown).toEqual([{ kind: 'warning', message: 'a.ts is outside of the workspace.', titles: [] }]);
    expect(lines).toEqual([]);
  });

  test('is logged with what failed, and opens the log on a click, when it is any other error', async () => {
    const { lines, output, opened } = log();
    editor.press = 'Show Logs';
    await showFailure(new Error('The disk is full. Free some space.'), 'The command x', output);
    expect(editor.shown).toMatchObject([{ message: 'The disk is full. Free some space.', titles: ['Show Logs'] }]);
    expect(lines).toEqual(['The command x: The disk is full. Free some space.']);
    expect(opened).toHaveBeenCalledOnce();
  });

  test('leaves the log closed when the message is closed', async () => {
    const { output, opened } = log();
    await showFailure('no Error at all', 'The command x', output);
    expect(editor.shown).toMatchObject([{ message: 'no Error at all' }]);
    expect(opened).not.toHaveBeenCalled();
  });
});

describe('an action', () => {
  test('runs when its button is pressed, and its result is returned', async () => {
    editor.press = 'Undo';
    const others = vi.fn();
    const result = await inform('Done.', { title: 'Redo', run: others }, { title: 'Undo', run: async () => 7 });
    expect(result).toBe(7);
    expect(others).not.toHaveBeenCalled();
  });

  test('does not run when the message is closed', async () => {
    const run = vi.fn();
    expect(await ask('Remove it?', 'It is old.', { title: 'Remove', run })).toBeUndefined();
    expect(run).not.toHaveBeenCalled();
    expect(editor.shown).toEqual([
      { kind: 'warning', message: 'Remove it?', detail: 'It is old.', titles: ['Remove'] },
    ]);
  });
});

test.each([
  ['Delete', true],
  [undefined, false],
])('a question to which the user answers %s is %s', async (press, agreed) => {
  editor.press = press;
  expect(await confirm('Delete a.ts?', 'The answer deletes this file.', 'Delete')).toBe(agreed);
});
