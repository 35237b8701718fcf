/** Of the package; the bundler takes this one value out of it. */

import { version as packageVersion } from '../../package.json';

export const version: string = packageVersion;
