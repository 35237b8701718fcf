#include "kv/chunk.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include "ggml.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace {

constexpr char MAGIC[8] = { 'F', 'A', 'S', 'A', '-', 'K', 'V', '\n' };
constexpr uint64_t FILE_ALIGN = 4096; // pages of rows begin at pages of memory
constexpr size_t ADDRESS_BYTES = 64;

// The first bytes of a chunk file; little endian. docs/chunk-files.md
struct chunk_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;
    char fingerprint[16];
    char address[ADDRESS_BYTES]; // padded with zeros
    uint32_t n_layer, n_head_kv, head_size, n_channels;
    uint32_t n_tokens, row_type, page_bytes, row_bytes;
    uint64_t pages_offset, pages_bytes, rows_offset, rows_bytes, file_bytes;
    uint64_t pages_hash, rows_hash;
    uint64_t header_hash; // of the bytes before it
};
static_assert(sizeof(chunk_header) == 192 && offsetof(chunk_header, header_hash) == 184, "no gaps");

uint64_t aligned(uint64_t bytes) { return (bytes + FILE_ALIGN - 1) / FILE_ALIGN * FILE_ALIGN; }

chunk_header header_of(const kv_chunk & c, const std::string & address) {
    chunk_header h = {};
    memcpy(h.magic, MAGIC, sizeof(MAGIC));
    h.version = KV_CHUNK_VERSION;
    h.header_bytes = sizeof(chunk_header);
    memcpy(h.fingerprint, c.layout.fingerprint.data(), std::min(c.layout.fingerprint.size(), sizeof(h.fingerprint)));
    memcpy(h.address, address.data(), std::min(address.size(), ADDRESS_BYTES));
    h.n_layer = c.layout.n_layer;
    h.n_head_kv = c.layout.n_head_kv;
    h.head_size = c.layout.head_size;
    h.n_channels = c.layout.n_channels;
    h.n_tokens = c.n_tokens;
    h.row_type = c.layout.row_type;
    h.page_bytes = (uint32_t) c.layout.page_bytes();
    h.row_bytes = (uint32_t) c.layout.row_bytes();
    h.pages_offset = FILE_ALIGN;
    h.pages_bytes = c.pages_bytes();
    h.rows_offset = aligned(h.pages_offset + h.pages_bytes);
    h.rows_bytes = c.rows_bytes();
    h.file_bytes = h.rows_offset + h.rows_bytes;
    return h;
}

// rows of two vectors of head_size halves each, as two rows of q8_0
void rows_to_q8_0(const uint16_t * from, size_t n_rows, int32_t head_size, char * to) {
    const size_t half_bytes = ggml_row_size(GGML_TYPE_Q8_0, head_size);
    std::vector<float> values(2 * head_size);
    for (size_t r = 0; r < n_rows; r++) {
        ggml_fp16_to_fp32_row((const ggml_fp16_t *) from + r * 2 * head_size, values.data(), 2 * head_size);
        ggml_quantize_chunk(GGML_TYPE_Q8_0, values.data(), to + (2 * r) * half_bytes, 0, 2, head_size, nullptr);
    }
}

struct file_closer {
    void operator()(FILE * f) const { fclose(f); }
};

FILE * open_new(const std::string & path) {
#ifdef _WIN32
    return fopen(path.c_str(), "wbx");
#else
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? nullptr : fdopen(fd, "wb");
#endif
}

bool rename_over(const std::string & from, const std::string & to) {
#ifdef _WIN32
    return MoveFileExA(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING) != 0;
#else
    return rename(from.c_str(), to.c_str()) == 0;
#endif
}

int process_id() {
#ifdef _WIN32
    return _getpid();
#else
    return getpid();
#endif
}

void refuse_link(const std::string & path) {
#ifndef _WIN32
    struct stat st;
    if (lstat(path.c_str(), &st) == 0 && S_ISLNK(st.st_mode)) {
        fail(ERROR_FILE_UNREADABLE, "%s is a symbolic link", path.c_str());
    }
#endif
}

} // namespace

size_t kv_chunk_layout::row_bytes() const {
    return row_type == KV_ROWS_Q8_0 ? 2 * ggml_row_size(GGML_TYPE_Q8_0, head_size) : (size_t) head_size * 2 * sizeof(uint16_t);
}

int32_t chunk_set::n_tokens() const {
    int32_t n = 0;
    for (const retrieved_chunk & c : chunks) {
        n += c.chunk->n_tokens;
    }
    return n;
}

void chunk_set::check_intact() const {
    for (const retrieved_chunk & c : chunks) {
        if (!c.chunk->intact()) {
            fail(ERROR_BAD_CHUNK, "%s was cut short or replaced while it was in use", c.chunk->file.c_str());
        }
    }
}

std::shared_ptr<kv_chunk> kv_chunk::from_cells(const kv_chunk_layout & layout, const kv_cache & kv, int32_t begin, int32_t n_tokens, const fasa_kernels * kernels) {
    auto c = std::make_shared<kv_chunk>();
    c->layout = layout;
    c->n_tokens = n_tokens;
    memory_require((int64_t) (c->pages_bytes() + c->rows_bytes()), format("a chunk of %d tokens", n_tokens).c_str());
    c->page_memory = std::make_unique<zeroed_memory>(c->pages_bytes());
    c->row_memory = std::make_unique<zeroed_memory>(c->rows_bytes());
    c->page_data = c->page_memory->data;
    c->row_data = c->row_memory->data;
    const size_t stride = kv.row_stride();
    std::vector<uint16_t> page(stride * FASA_PAGE_TOKENS);
    for (int32_t il = 0; il < layout.n_layer; il++) {
        for (int32_t head = 0; head < layout.n_head_kv; head++) {
            const uint16_t * rows = kv.rows(il, head) + (size_t) begin * stride;
            char * to = const_cast<char *>(c->rows(il, head));
            if (layout.row_type == KV_ROWS_Q8_0) {
                rows_to_q8_0(rows, n_tokens, layout.head_size, to);
            } else {
                memcpy(to, rows, (size_t) n_tokens * layout.row_bytes());
            }
            for (int32_t i = 0; i < c->n_pages(); i++) {
                const int32_t from = i * FASA_PAGE_TOKENS, n = std::min(FASA_PAGE_TOKENS, n_tokens - from);
                const uint16_t * keys = rows + from * stride;
                if (n < FASA_PAGE_TOKENS) { // the last token again: it stretches no range, and is never chosen
                    memcpy(page.data(), keys, n * stride * sizeof(uint16_t));
                    for (int32_t t = n; t < FASA_PAGE_TOKENS; t++) {
                        memcpy(page.data() + t * stride, keys + (n - 1) * stride, stride * sizeof(uint16_t));
                    }
                    keys = page.data();
                }
                kernels->page_encode(keys, stride, kv.head_channels(il, head), layout.n_channels, 0, const_cast<char *>(c->page(il, head, i)));
            }
        }
    }
    return c;
}

bool kv_chunk::intact() const {
    if (map && !lost && !map->intact(file)) {
        lost = true; // also when somebody removes the file now
    }
    return !lost;
}

std::string kv_chunk::write(const std::string & path, const std::string & address) const {
    chunk_header h = header_of(*this, address);
    h.pages_hash = hash_xxh64(page_data, h.pages_bytes);
    h.rows_hash = hash_xxh64(row_data, h.rows_bytes);
    h.header_hash = hash_xxh64(&h, offsetof(chunk_header, header_hash));
    static int counter = 0; // of the engine thread
    const std::string temporary = path + format(".%d-%d.tmp", process_id(), counter++);
    std::unique_ptr<FILE, file_closer> file(open_new(temporary));
    if (!file) {
        return format("%s cannot be made: %s", temporary.c_str(), strerror(errno));
    }
    const std::vector<char> gap(FILE_ALIGN);
    const auto put = [&](const void * data, size_t size) { return size == 0 || fwrite(data, 1, size, file.get()) == size; };
    bool done = put(&h, sizeof(h)) && put(gap.data(), h.pages_offset - sizeof(h)) && put(page_data, h.pages_bytes) && put(gap.data(), h.rows_offset - h.pages_offset - h.pages_bytes) && put(row_data, h.rows_bytes);
    done = fflush(file.get()) == 0 && done;
    const int problem = errno;
    done = fclose(file.release()) == 0 && done;
    if (done && rename_over(temporary, path)) {
        return "";
    }
    const int reason = done ? errno : problem;
    remove(temporary.c_str());
    return format("%s cannot be written: %s", path.c_str(), strerror(reason));
}

std::shared_ptr<kv_chunk> kv_chunk::open(const kv_chunk_layout & layout, const std::string & path, const std::string & address, bool in_memory) {
    refuse_link(path);
    auto map = std::make_unique<mapped_file>(path);
    const auto bad = [&](const char * what) { fail(ERROR_BAD_CHUNK, "%s cannot be used: %s", path.c_str(), what); };
    chunk_header h;
    if (map->size < sizeof(h)) {
        bad("it is too short");
    }
    memcpy(&h, map->data, sizeof(h));
    if (memcmp(h.magic, MAGIC, sizeof(MAGIC)) != 0 || h.version != KV_CHUNK_VERSION) {
        bad("it is not of this format");
    }
    if (h.header_hash != hash_xxh64(&h, offsetof(chunk_header, header_hash))) {
        bad("its header is damaged");
    }
    auto c = std::make_shared<kv_chunk>();
    c->layout = layout;
    c->n_tokens = h.n_tokens > 0 && h.n_tokens <= 1 << 20 ? (int32_t) h.n_tokens : 1;
    // all that is not the text itself follows from the layout and the number of tokens
    chunk_header wanted = header_of(*c, address);
    wanted.pages_hash = h.pages_hash;
    wanted.rows_hash = h.rows_hash;
    wanted.header_hash = h.header_hash;
    if (memcmp(&wanted, &h, sizeof(h)) != 0) {
        bad("it is of another model, layout or text");
    }
    if (map->size != h.file_bytes) {
        bad("it is cut short");
    }
    if (hash_xxh64(map->data + h.pages_offset, h.pages_bytes) != h.pages_hash || hash_xxh64(map->data + h.rows_offset, h.rows_bytes) != h.rows_hash) {
        bad("it is damaged");
    }
    memory_require((int64_t) (h.pages_bytes + (in_memory ? h.rows_bytes : 0)), "a chunk from the store");
    c->file = path;
    c->page_memory = std::make_unique<zeroed_memory>(h.pages_bytes);
    memcpy(c->page_memory->data, map->data + h.pages_offset, h.pages_bytes);
    c->page_data = c->page_memory->data;
    if (in_memory) {
        c->row_memory = std::make_unique<zeroed_memory>(h.rows_bytes);
        memcpy(c->row_memory->data, map->data + h.rows_offset, h.rows_bytes);
        c->row_data = c->row_memory->data;
    } else {
        c->row_data = map->data + h.rows_offset;
        c->map = std::move(map);
        c->map->release_pages(); // a step reads little of what was verified
    }
    return c;
}
