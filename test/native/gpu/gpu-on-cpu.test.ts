/** The GPU's graph on ggml's CPU backend: everywhere, and its fused attention, too. */

import { describeModels, describeSequence, gpuShapes } from './gpu-suite';

describeModels('CPU', Object.values(gpuShapes));
describeSequence('CPU');
