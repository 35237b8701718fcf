/** Entry of the process that chat templates are rendered in. It does nothing else, and ends with the server's process. */

import { type LayoutRequest, ready } from './layout';
import { renderLayout } from './render-layout';

process.on('message', (request: LayoutRequest) => process.send?.(renderLayout(request)));
process.on('disconnect', () => process.exit());
process.send?.(ready);
