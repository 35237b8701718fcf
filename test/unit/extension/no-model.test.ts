import { describe, expect, test } from 'vitest';
import { serverMessage } from '../../../extension/chat/views';
import { nowOf } from '../../../extension/dashboard/views';
import { statusTooltip } from '../../../extension/status/tooltip';
import { checkToView as checkChat, checkToHost as checkChatToHost } from '../../../language-server/protocol/chat-page';
import {
  checkToView as checkDashboard,
  checkToHost as checkDashboardToHost,
} from '../../../language-server/protocol/dashboard-page';
import type { Status } from '../../../language-server/protocol/server';

const status: Status = {
  state: 'off',
  problem: { code: 'MODEL_NOT_FOUND', message: 'There is no model yet.', remedy: 'Choose one.' },
};
const download = { model: 'a/b', name: 'Tiny 1B', step: 'Downloading', doneBytes: 43e6, totalBytes: 1e8 };

describe('without a model', () => {
  test('tooltip, chat and dashboard lead to the list of models', () => {
    expect(statusTooltip({ life: 'running', status })).toContain('(command:fasa.chooseModel)');
    const chat = serverMessage({ life: 'running', status }, true);
    expect(chat).toMatchObject({ ready: false, lacksModel: true, problem: 'There is no model yet. Choose one.' });
    expect(nowOf(status)).toMatchObject({ lacksModel: true, state: 'There is no model yet.' });
    expect(checkChat(chat)).toEqual(chat);
    const now = { kind: 'now', now: nowOf(status) };
    expect(checkDashboard(now)).toEqual(now);
    expect(checkChatToHost({ kind: 'chooseModel' })).toEqual({ kind: 'chooseModel' });
    expect(checkDashboardToHost({ kind: 'chooseModel' })).toEqual({ kind: 'chooseModel' });
  });

  test('they show the download of one', () => {
    const said = 'Downloading Tiny 1B: 43.0 MB of 100 MB.';
    expect(serverMessage({ life: 'running', status: { ...status, download } }, true).problem).toBe(said);
    expect(nowOf({ ...status, download }).state).toBe(said);
  });
});

test('with a model, a download of another one changes none of them', () => {
  const ready: Status = { state: 'ready', download };
  expect(serverMessage({ life: 'running', status: ready }, true)).toEqual({
    kind: 'server',
    ready: true,
    trusted: true,
  });
  expect(nowOf(ready)).toEqual({ state: 'ready' });
});
