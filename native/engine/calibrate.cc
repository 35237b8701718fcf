#include "engine/calibrate.h"

#include "base/error.h"
#include "engine/compute/compute_cpu.h"
#include "kernels/calibration.h"

#include <algorithm>

// Queries a document gives. More change the choice little: the sums run over all of their cached tokens.
constexpr int32_t QUERIES_PER_DOCUMENT = 48;
// Below this many cached tokens there is nothing to choose: all of them are read.
constexpr int32_t MIN_CACHED_TOKENS = 256;

calibration calibrate_model(const std::shared_ptr<model> & m, const calibrate_params & p, const task_flags & flags, const std::function<void(double)> & progress) {
    const model_hparams & hp = m->hp;
    if (p.n_dominant > hp.head_size / 2) {
        fail(ERROR_BAD_ARGUMENT, "%d dominant FCs of %d are not possible", p.n_dominant, hp.head_size / 2);
    }
    size_t longest = 0, total = 0, done = 0;
    for (const auto & document : p.documents) {
        longest = std::max(longest, document.size());
        total += document.size();
    }
    if (longest <= (size_t) MIN_CACHED_TOKENS) {
        fail(ERROR_BAD_ARGUMENT, "calibration needs documents of more than %d tokens", MIN_CACHED_TOKENS);
    }
    sequence_params sp;
    sp.n_ctx = (int32_t) longest;
    sp.n_threads = p.n_threads;
    auto where = std::make_unique<compute_cpu>(m, sp);
    const kv_cache & kv = where->kv;
    sequence s(std::move(where));

    const std::unique_ptr<fasa_calibrator, decltype(&fasa_calibrator_free)> calibrator(
        fasa_calibrator_new(hp.n_layer, hp.n_head_kv, hp.n_group(), hp.head_size, hp.rope_type == GGML_ROPE_TYPE_NEOX), fasa_calibrator_free);
    for (const auto & document : p.documents) {
        if (document.size() <= (size_t) MIN_CACHED_TOKENS) {
            done += document.size();
            continue;
        }
        const int32_t stride = std::max<int32_t>(1, (int32_t) document.size() / QUERIES_PER_DOCUMENT);
        std::vector<const uint16_t *> keys(hp.n_head_kv);
        const query_capture capture = { stride, [&](int32_t il, int32_t position, const float * q) {
                                           if (position + 1 < MIN_CACHED_TOKENS) {
                                               return;
                                           }
                                           for (int32_t head = 0; head < hp.n_head_kv; head++) {
                                               keys[head] = kv.rows(il, head);
                                           }
                                           fasa_calibrator_observe(calibrator.get(), il, q, keys.data(), kv.row_stride(), position + 1);
                                       } };
        s.capture_queries(document, capture, flags, [&](int32_t n) { progress((double) (done + n) / total); });
        done += document.size();
    }
    if (p.sums) {
        size_t n = 0;
        double * sums = fasa_calibrator_sums(calibrator.get(), &n);
        if (!p.sums->empty() && p.sums->size() != n) {
            fail(ERROR_BAD_ARGUMENT, "the sums are those of another model");
        }
        for (size_t i = 0; i < p.sums->size(); i++) {
            sums[i] += (*p.sums)[i];
        }
        p.sums->assign(sums, sums + n);
    }
    calibration out;
    out.n_dominant = p.n_dominant;
    out.dominant.resize((size_t) hp.n_layer * hp.n_head_kv * p.n_dominant);
    fasa_calibrator_choose(calibrator.get(), p.n_dominant, out.dominant.data());
    return out;
}
