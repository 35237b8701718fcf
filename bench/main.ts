/** Entry of dist/bench.js, the laboratory: what the command line and `calibrate` take from it. It does not ship. */

import type { Laboratory } from '../language-server/cli/laboratory';
import { loadLaboratoryAddon } from './common/addon';
import { prepareDecision } from './cross-file/decide-composition';
import { evaluate } from './quality/evaluate';
import { bench } from './speed/bench';

export const laboratory: Laboratory = { bench, evaluate, loadAddon: loadLaboratoryAddon, prepareDecision };
