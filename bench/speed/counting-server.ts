/** The server of `bench completion`, on stdin and stdout: the one that ships, with a counter that is injected into it. */

import { version } from '../../language-server/base/version';
import { createNativeEngine } from '../../language-server/engine/native/native-engine';
import { connectStdio } from '../../language-server/server/connect';
import { serve } from '../../language-server/server/server';
import { CompletionCounter, completionCountsRequest } from './completion-counter';

const counter = new CompletionCounter();
const { connection, ended } = connectStdio();
connection.onRequest(completionCountsRequest, () => counter.counts);

serve(connection, async (options) => counter.observe(await createNativeEngine(options)), {
  version,
  ended,
  onCompletion: (answer) => counter.answered(answer),
});
