#include "model/model.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/backend.h"

#include <algorithm>
#include <cstring>
#include <map>

// Types that a matrix multiplication of the CPU takes: everything but the types that only intermediate results have.
static bool is_weight_type(ggml_type type) {
    return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || (ggml_is_quantized(type) && type != GGML_TYPE_Q8_1 && type != GGML_TYPE_Q8_K);
}

static void check_tensor(const ggml_tensor * t, const tensor_spec & spec) {
    if (t->ne[0] != spec.ne0 || t->ne[1] != spec.ne1 || t->ne[2] != 1 || t->ne[3] != 1) {
        fail(ERROR_WRONG_SHAPE, "the tensor %s is %lld x %lld x %lld x %lld, expected %lld x %lld", t->name,
            (long long) t->ne[0], (long long) t->ne[1], (long long) t->ne[2], (long long) t->ne[3], (long long) spec.ne0, (long long) spec.ne1);
    }
    const bool fits = spec.role == TENSOR_VECTOR ? t->type == GGML_TYPE_F32 : is_weight_type(t->type);
    if (!fits) {
        fail(ERROR_UNSUPPORTED_MODEL, "the tensor %s has the type %s, which is not supported there", t->name, ggml_type_name(t->type));
    }
}

void model_check_tensors(const gguf_file & file, const model_hparams & hp) {
    int64_t n_known = 0;
    std::map<std::string, bool> known;
    tensor_specs_each(hp, [&](const tensor_spec & spec) {
        const ggml_tensor * t = file.find_tensor(spec.name);
        if (!t) {
            if (spec.required) {
                fail(ERROR_MISSING_TENSOR, "the tensor %s is missing", spec.name.c_str());
            }
            return;
        }
        check_tensor(t, spec);
        known[spec.name] = true;
        n_known++;
    });
    if (n_known == gguf_get_n_tensors(file.gguf.get())) {
        return;
    }
    // a tensor that the graph would silently ignore makes wrong output
    for (int64_t i = 0; i < gguf_get_n_tensors(file.gguf.get()); i++) {
        const char * name = gguf_get_tensor_name(file.gguf.get(), i);
        if (!known.count(name)) {
            fail(ERROR_UNSUPPORTED_MODEL, "the model has a tensor that its architecture %s does not: %s", hp.arch.c_str(), name);
        }
    }
}

static uint64_t hash_bytes(const char * data, size_t n, uint64_t hash) { // FNV-1a
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char) data[i]) * 0x100000001b3ull;
    }
    return hash;
}

// The header names shapes and vocabulary; samples of the weights tell fine-tunes of one model apart.
static std::string fingerprint(const gguf_file & file) {
    const size_t begin = gguf_get_data_offset(file.gguf.get());
    uint64_t hash = hash_bytes(file.map.data, std::min(begin, file.map.size), 0xcbf29ce484222325ull);
    hash = hash_bytes((const char *) &file.map.size, sizeof(file.map.size), hash);
    constexpr size_t n_samples = 64, n_bytes = 1024;
    if (file.map.size > begin) {
        const size_t step = (file.map.size - begin) / n_samples;
        for (size_t i = 0; i < n_samples; i++) {
            const size_t pos = begin + i * step;
            hash = hash_bytes(file.map.data + pos, std::min(n_bytes, file.map.size - pos), hash);
        }
    }
    return format("%016llx", (unsigned long long) hash);
}

model_summary model_summarize(const gguf_file & file) {
    model_summary s;
    std::map<ggml_type, int64_t> per_type;
    for (ggml_tensor * t = ggml_get_first_tensor(file.ctx.get()); t; t = ggml_get_next_tensor(file.ctx.get(), t)) {
        s.parameters += ggml_nelements(t);
        per_type[t->type] += ggml_nelements(t);
    }
    const auto commonest = std::max_element(per_type.begin(), per_type.end(), [](auto & a, auto & b) { return a.second < b.second; });
    s.quantization = commonest == per_type.end() ? "none" : ggml_type_name(commonest->first);
    s.fingerprint = fingerprint(file);
    const std::string base = file.path.substr(file.path.find_last_of("/\\") + 1);
    s.name = file.find_string("general.name").value_or("");
    if (s.name.empty()) {
        s.name = base;
    }
    return s;
}

// would the device multiply by this weight if it lay in a buffer of this type? As libllama asks when it places weights.
static bool takes_weight(ggml_backend_dev_t device, ggml_backend_buffer_type_t buft, const ggml_tensor * weight) {
    ggml_context_ptr ctx(ggml_init({ 4 * ggml_tensor_overhead(), nullptr, /*.no_alloc =*/true }));
    ggml_tensor * w = ggml_dup_tensor(ctx.get(), weight);
    ggml_tensor * x = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, w->ne[0], 512);
    ggml_tensor * mul = ggml_mul_mat(ctx.get(), w, x);
    ggml_backend_buffer_ptr empty(ggml_backend_buft_alloc_buffer(buft, 0));
    w->buffer = empty.get();
    return empty && ggml_backend_dev_supports_op(device, mul);
}

struct weight_loader {
    model & m;
    size_t n_max; // tensors that may be bound

    struct packed_group {
        ggml_context_ptr ctx;
        std::vector<std::pair<ggml_tensor *, const char *>> weights; // and where their bytes lie in the file
    };
    std::map<ggml_backend_buffer_type_t, packed_group> groups;

    ggml_context_ptr new_context() const { return ggml_context_ptr(ggml_init({ n_max * ggml_tensor_overhead(), nullptr, true })); }

    ggml_tensor * use_packed(ggml_backend_buffer_type_t buft, const ggml_tensor * t) {
        packed_group & group = groups[buft];
        if (!group.ctx) {
            group.ctx = new_context();
        }
        ggml_tensor * w = ggml_dup_tensor(group.ctx.get(), t);
        ggml_set_name(w, t->name);
        group.weights.push_back({ w, m.file.tensor_data(t) });
        return w;
    }

    ggml_tensor * bind(const ggml_tensor * t, tensor_role role) {
        if (m.device && role != TENSOR_EMBEDDING) {
            ggml_backend_buffer_type_t buft = ggml_backend_dev_buffer_type(m.device);
            if (role == TENSOR_VECTOR || takes_weight(m.device, buft, t)) {
                return use_packed(buft, t);
            } // what the device cannot multiply by, the CPU does: the scheduler sees where it lies
        } else if (role == TENSOR_MATRIX) {
            for (auto * buft = backend_cpu_extra_bufts(); *buft; buft++) {
                if (takes_weight(backend_cpu_device(), *buft, t)) {
                    return use_packed(*buft, t);
                }
            }
        }
        const char * data = m.file.tensor_data(t);
        if ((uintptr_t) data % ggml_backend_buft_get_alignment(ggml_backend_dev_buffer_type(backend_cpu_device())) != 0) {
            return use_packed(ggml_backend_dev_buffer_type(backend_cpu_device()), t); // a file with a small alignment
        }
        ggml_tensor * w = ggml_dup_tensor(m.mapped_ctx.get(), t);
        ggml_set_name(w, t->name);
        if (ggml_backend_tensor_alloc(m.mapped_buf.get(), w, (void *) data) != GGML_STATUS_SUCCESS) {
            fail(ERROR_BACKEND, "the tensor %s cannot be used where it is mapped", t->name);
        }
        return w;
    }

    void bind_all() {
        m.layers.resize(m.hp.n_layer);
        memset(m.layers.data(), 0, m.layers.size() * sizeof(layer_weights));
        tensor_specs_each(m.hp, [&](const tensor_spec & spec) {
            const ggml_tensor * t = m.file.find_tensor(spec.name);
            if (!t && spec.of_model == &model::output) {
                t = m.file.find_tensor("token_embd.weight"); // tied
            }
            if (t) {
                member(spec) = bind(t, spec.role);
            }
        });
    }

    ggml_tensor *& member(const tensor_spec & spec) {
        return spec.layer < 0 ? m.*spec.of_model : m.layers[spec.layer].*spec.of_layer;
    }

    void pack(const std::atomic<bool> & abort, const std::function<void(float)> & progress) {
        size_t on_device = 0, on_host = 0, done = 0;
        for (auto & [buft, group] : groups) {
            size_t & sum = m.device && buft == ggml_backend_dev_buffer_type(m.device) ? on_device : on_host;
            for (auto & [w, data] : group.weights) {
                sum += ggml_backend_buft_get_alloc_size(buft, w);
            }
        }
        if (on_device > 0) {
            device_require(m.device, (int64_t) on_device, "a copy of the weights");
        }
        memory_require((int64_t) on_host, "a copy of the weights in the layout that this processor multiplies fastest");
        m.repacked_bytes = (int64_t) on_host;
        const size_t total = on_device + on_host;
        for (auto & [buft, group] : groups) {
            ggml_backend_buffer_ptr buf(ggml_backend_alloc_ctx_tensors_from_buft(group.ctx.get(), buft));
            if (!buf) {
                fail(ERROR_OUT_OF_MEMORY, "no memory for %.1f GiB of weights", total / 1073741824.0);
            }
            ggml_backend_buffer_set_usage(buf.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
            for (auto & [w, data] : group.weights) {
                if (abort) {
                    fail(ERROR_CANCELLED, "cancelled");
                }
                ggml_backend_tensor_set(w, data, 0, ggml_nbytes(w));
                done += ggml_backend_buft_get_alloc_size(buft, w);
                progress((float) done / total);
            }
            m.packed_ctxs.push_back(std::move(group.ctx));
            m.packed_bufs.push_back(std::move(buf));
        }
    }
};

static model_hparams checked_hparams(const gguf_file & file) {
    const model_hparams hp = model_hparams_read(file);
    model_check_tensors(file, hp);
    return hp;
}

model::model(const std::string & path) : file(path), hp(checked_hparams(file)), words(file, hp.n_vocab), summary(model_summarize(file)) {}

void model::check_file() const {
    if (file.map.cut(file.path)) {
        fail(ERROR_FILE_UNREADABLE, "the model's file %s was cut short while it was in use", file.path.c_str());
    }
}

void model::check_tokens(const std::vector<int32_t> & tokens) const {
    for (const int32_t id : tokens) {
        if (id < 0 || id >= hp.n_vocab) {
            fail(ERROR_BAD_ARGUMENT, "there is no token %d", id);
        }
    }
}

std::shared_ptr<model> model::load(const std::string & path, ggml_backend_dev_t device, const std::atomic<bool> & abort, const std::function<void(float)> & progress) {
    std::shared_ptr<model> m(new model(path));
    m->device = device;
    if (abort) {
        fail(ERROR_CANCELLED, "cancelled");
    }
    weight_loader loader { *m, (size_t) gguf_get_n_tensors(m->file.gguf.get()) + 1, {} };
    m->mapped_ctx = loader.new_context();
    m->mapped_buf.reset(ggml_backend_dev_buffer_from_host_ptr(backend_cpu_device(), (void *) m->file.map.data, m->file.map.size, m->file.map.size));
    if (!m->mapped_buf) {
        fail(ERROR_BACKEND, "the CPU library cannot use a mapped file");
    }
    ggml_backend_buffer_set_usage(m->mapped_buf.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    loader.bind_all();
    loader.pack(abort, progress);
    progress(1.0f);
    return m;
}
