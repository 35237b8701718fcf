/** The package's version. The bundler takes only this value out of package.json. */

import { version as packageVersion } from '../../package.json';

export const version: string = packageVersion;
