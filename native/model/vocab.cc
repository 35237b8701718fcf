#include "model/vocab.h"

#include "base/error.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

// What libllama reads without checking, or ends the process over.
static void check_vocabulary(const gguf_file & file, int32_t n_vocab) {
    const gguf_context * gguf = file.gguf.get();
    const std::string type = file.find_string("tokenizer.ggml.model").value_or("");
    if (type != "gpt2" && type != "llama") {
        fail(ERROR_BAD_VOCABULARY, "the tokenizer '%.32s' is not supported (gpt2 and llama are)", type.c_str());
    }
    const size_t n_tokens = file.find_array_length("tokenizer.ggml.tokens").value_or(0);
    if (n_tokens == 0) {
        fail(ERROR_BAD_VOCABULARY, "the file has no list of tokens (tokenizer.ggml.tokens)");
    }
    if (n_tokens > (size_t) n_vocab) {
        fail(ERROR_BAD_VOCABULARY, "the vocabulary has %zu tokens, the model only %d embeddings", n_tokens, n_vocab);
    }
    const struct {
        const char * key;
        gguf_type type;
        bool per_token;
    } arrays[] = {
        { "tokenizer.ggml.tokens", GGUF_TYPE_STRING, true },
        { "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, true },
        { "tokenizer.ggml.token_type", GGUF_TYPE_INT32, true },
        { "tokenizer.ggml.merges", GGUF_TYPE_STRING, false },
        { "tokenizer.ggml.suppress_tokens", GGUF_TYPE_INT32, false },
    };
    for (const auto & a : arrays) {
        const auto n = file.find_array_length(a.key);
        if (!n) {
            continue;
        }
        if (gguf_get_arr_type(gguf, gguf_find_key(gguf, a.key)) != a.type || (a.per_token && *n != n_tokens)) {
            fail(ERROR_BAD_VOCABULARY, "the list %s has the wrong type or length", a.key);
        }
    }
    if (type == "gpt2" && !file.find_array_length("tokenizer.ggml.merges")) {
        fail(ERROR_BAD_VOCABULARY, "the file has no list of merges (tokenizer.ggml.merges)");
    }
    std::unordered_set<std::string_view> texts;
    const int64_t tokens_id = gguf_find_key(gguf, "tokenizer.ggml.tokens");
    for (size_t i = 0; i < n_tokens; i++) {
        const std::string_view text = gguf_get_arr_str(gguf, tokens_id, i);
        if (!text.empty() && !texts.insert(text).second) {
            fail(ERROR_BAD_VOCABULARY, "token %zu has the same text as another one", i);
        }
    }
    file.find_string("tokenizer.ggml.pre");
    for (const char * key : { "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_space_prefix" }) {
        file.find_bool(key); // libllama fails on a wrong type without naming it
    }
    const std::string prefix = "tokenizer.ggml.", suffix = "_token_id";
    for (int64_t i = 0; i < gguf_get_n_kv(gguf); i++) {
        const std::string key = gguf_get_key(gguf, i);
        if (key.rfind(prefix, 0) != 0 || key.size() < suffix.size() || key.compare(key.size() - suffix.size(), suffix.size(), suffix) != 0) {
            continue;
        }
        const int64_t id = file.find_int(key).value_or(-1);
        // all bits set is how some converters write "none"
        if (id != UINT32_MAX && id != -1 && (id < 0 || id >= (int64_t) n_tokens)) {
            fail(ERROR_BAD_VOCABULARY, "%s is %lld, the vocabulary has %zu tokens", key.c_str(), (long long) id, n_tokens);
        }
    }
}

vocab::vocab(const gguf_file & file, int32_t n_vocab) {
    check_vocabulary(file, n_vocab);
    static ggml_backend_dev_t no_devices[] = { nullptr }; // else a GPU plugin would be used
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    params.n_gpu_layers = 0;
    params.devices = no_devices;
    assertion_guard guard;
    model.reset(llama_model_load_from_file(file.path.c_str(), params));
    if (!model) {
        fail(ERROR_BAD_VOCABULARY, "the tokenizer of %s cannot be loaded", file.path.c_str());
    }
    v = llama_model_get_vocab(model.get());
}

int32_t vocab::n_tokens() const { return llama_vocab_n_tokens(v); }

// Several pre-tokenizers of libllama run std::regex, which recurses per character: a run of 400,000 letters overflows the
// stack. Long texts go in pieces, cut where no pre-tokenizer joins characters: after a newline, before a non-space.
constexpr size_t MAX_PIECE = 16 << 10; // bytes

static size_t piece_end(std::string_view text, size_t begin) {
    if (text.size() - begin <= MAX_PIECE) {
        return text.size();
    }
    const size_t limit = begin + MAX_PIECE;
    size_t newline = 0;
    for (size_t i = limit; i > begin + 1; i--) {
        if (text[i - 1] != '\n') {
            continue;
        }
        newline = std::max(newline, i);
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n') {
            return i;
        }
    }
    if (newline > 0) {
        return newline;
    }
    size_t end = limit;
    while (end > begin + 1 && ((unsigned char) text[end] & 0xc0) == 0x80) {
        end--; // not inside a UTF-8 character
    }
    return end;
}

// libllama looks bytes up in the vocabulary and throws std::out_of_range where there is none
template <typename F> static int32_t known_characters(const F & call) {
    try {
        return call();
    } catch (const native_error &) {
        throw;
    } catch (const std::exception & e) {
        fail(ERROR_BAD_VOCABULARY, "the vocabulary has no token for a character of the text (%s)", e.what());
    }
}

std::vector<int32_t> vocab::tokenize(const std::string & text, bool parse_special) const {
    if (text.size() > VOCAB_MAX_TEXT) {
        fail(ERROR_TEXT_TOO_LONG, "a text of %zu bytes is too long to tokenize at once (at most %zu)", text.size(), VOCAB_MAX_TEXT);
    }
    assertion_guard guard;
    const bool bpe = llama_vocab_type(v) == LLAMA_VOCAB_TYPE_BPE; // the other kind puts a space before each piece, and needs no pieces
    std::vector<int32_t> tokens;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = bpe ? piece_end(text, begin) : text.size();
        const size_t have = tokens.size();
        tokens.resize(have + (end - begin) + 8); // at most a token a byte, and a space in front
        const int32_t n = known_characters([&] {
            return llama_tokenize(v, text.data() + begin, (int32_t) (end - begin), tokens.data() + have,
                (int32_t) (tokens.size() - have), false, parse_special);
        });
        if (n < 0) {
            fail(ERROR_INTERNAL, "the tokenizer gave more tokens than the text has bytes");
        }
        tokens.resize(have + n);
        begin = end;
    }
    return tokens;
}

std::string vocab::token_bytes(int32_t token) const {
    if (token < 0 || token >= n_tokens()) {
        fail(ERROR_BAD_ARGUMENT, "there is no token %d", token);
    }
    assertion_guard guard;
    std::string bytes(64, '\0');
    const auto piece = [&] {
        return known_characters([&] { return llama_token_to_piece(v, token, bytes.data(), (int32_t) bytes.size(), 0, true); });
    };
    int32_t n = piece();
    if (n < 0) {
        bytes.resize(-n);
        n = piece();
    }
    bytes.resize(n > 0 ? n : 0);
    return bytes;
}

int32_t vocab::bos() const { return llama_vocab_bos(v); }
int32_t vocab::eos() const { return llama_vocab_eos(v); }
int32_t vocab::fim_prefix() const { return llama_vocab_fim_pre(v); }
int32_t vocab::fim_suffix() const { return llama_vocab_fim_suf(v); }
int32_t vocab::fim_middle() const { return llama_vocab_fim_mid(v); }
int32_t vocab::fim_repository() const { return llama_vocab_fim_rep(v); }
int32_t vocab::fim_separator() const { return llama_vocab_fim_sep(v); }
bool vocab::add_bos() const { return llama_vocab_get_add_bos(v); }

template <typename F> static std::vector<int32_t> tokens_where(int32_t n_tokens, const F & holds) {
    std::vector<int32_t> out;
    for (int32_t i = 0; i < n_tokens; i++) {
        if (holds(i)) {
            out.push_back(i);
        }
    }
    return out;
}

std::vector<int32_t> vocab::end_of_generation() const {
    return tokens_where(n_tokens(), [&](int32_t i) { return llama_vocab_is_eog(v, i); });
}

std::vector<int32_t> vocab::control() const {
    return tokens_where(n_tokens(), [&](int32_t i) { return llama_vocab_is_control(v, i); });
}
