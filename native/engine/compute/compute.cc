#include "engine/compute/compute.h"

#include "base/error.h"

compute::compute(std::shared_ptr<model> model, sequence_params p) : m(std::move(model)), params(std::move(p)) {
    if (params.n_ctx < 1 || params.n_ctx > 1 << 24) {
        fail(ERROR_BAD_ARGUMENT, "a context of %d tokens is not possible", params.n_ctx);
    }
    if (params.n_threads < 1 || params.n_threads > 256) {
        fail(ERROR_BAD_ARGUMENT, "%d threads are not possible", params.n_threads);
    }
    if (params.n_ubatch < 1 || params.n_ubatch > 4096) {
        fail(ERROR_BAD_ARGUMENT, "a micro-batch of %d tokens is not possible", params.n_ubatch);
    }
    if (params.calib) {
        calibration_check(*params.calib, m->hp);
    }
    if (params.composition) {
        const composition_params & c = *params.composition;
        if (c.n_anchor < 1 || c.n_anchor > FASA_PAGE_TOKENS || c.n_anchor >= params.n_ctx || c.tail_position < c.n_anchor || c.tail_position > 1 << 24) {
            fail(ERROR_BAD_ARGUMENT, "a composition of %d anchor tokens and a tail from position %d on is not possible", c.n_anchor, c.tail_position);
        }
        if (!params.calib) {
            fail(ERROR_BAD_CALIBRATION, "a composition needs a calibration of this model");
        }
    }
}

bool compute::uses_fasa(const attention_params & attention, int32_t n_readable) const {
    if (attention.mode == ATTENTION_DENSE || !params.calib) {
        return false;
    }
    return attention.mode == ATTENTION_FASA_C || n_readable >= attention.fasa_from;
}
