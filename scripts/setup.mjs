// npm run setup [-- --tests]
import { main } from './lib/failure.mjs';
import { step } from './lib/terminal.mjs';
import { setUpHeaders } from './setup/headers.mjs';

await main(async () => {
  await step('headers', setUpHeaders);
  const { buildAddon } = await import('./build-addon.mjs');
  await step('addon', ({ say }) => buildAddon({ say }));
});
