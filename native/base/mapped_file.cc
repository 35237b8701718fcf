#include "base/mapped_file.h"

#include "base/error.h"

#include <cerrno>
#include <cstring>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#ifdef _WIN32

static std::wstring wide(const std::string & utf8) {
    const int n = MultiByteToWideChar(CP_UTF8, 0, utf8.data(), (int) utf8.size(), nullptr, 0);
    std::wstring out(n, L'\0');
    MultiByteToWideChar(CP_UTF8, 0, utf8.data(), (int) utf8.size(), out.data(), n);
    return out;
}

mapped_file::mapped_file(const std::string & path) {
    const std::wstring name = wide(path);
    const DWORD attributes = GetFileAttributesW(name.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        fail(ERROR_FILE_NOT_FOUND, "there is no file %s", path.c_str());
    }
    if (attributes & FILE_ATTRIBUTE_DIRECTORY) {
        fail(ERROR_FILE_UNREADABLE, "%s is a folder, not a GGUF file", path.c_str());
    }
    const HANDLE file = CreateFileW(name.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
    if (file == INVALID_HANDLE_VALUE) {
        fail(ERROR_FILE_UNREADABLE, "%s cannot be read", path.c_str());
    }
    LARGE_INTEGER length;
    const HANDLE map = GetFileSizeEx(file, &length) && length.QuadPart > 0
                           ? CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr)
                           : nullptr;
    CloseHandle(file);
    data = map ? (const char *) MapViewOfFile(map, FILE_MAP_READ, 0, 0, 0) : nullptr;
    if (map) {
        CloseHandle(map); // the view keeps the mapping
    }
    if (!data) {
        fail(ERROR_FILE_UNREADABLE, "%s is empty or cannot be mapped", path.c_str());
    }
    size = (size_t) length.QuadPart;
}

void mapped_file::release_pages() const {}

bool mapped_file::intact(const std::string &) const { return true; }

bool mapped_file::cut(const std::string &) const { return false; }

mapped_file::~mapped_file() {
    if (data) {
        UnmapViewOfFile(data);
    }
}

#else

mapped_file::mapped_file(const std::string & path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not block: fstat refuses it
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            fail(ERROR_FILE_NOT_FOUND, "there is no file %s", path.c_str());
        }
        fail(ERROR_FILE_UNREADABLE, "%s cannot be read: %s", path.c_str(), strerror(errno));
    }
    struct stat st;
    const bool known = fstat(fd, &st) == 0;
    if (!known || !S_ISREG(st.st_mode) || st.st_size == 0) {
        close(fd);
        fail(ERROR_FILE_UNREADABLE, "%s is %s", path.c_str(),
            !known ? "unreadable" : S_ISDIR(st.st_mode) ? "a folder, not a GGUF file"
                                : S_ISREG(st.st_mode)   ? "empty"
                                                        : "not a regular file");
    }
    size = (size_t) st.st_size;
    device = (uint64_t) st.st_dev;
    inode = (uint64_t) st.st_ino;
    void * map = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    const int map_errno = errno;
    close(fd); // the mapping stays
    if (map == MAP_FAILED) {
        fail(ERROR_BACKEND, "%s cannot be mapped into memory: %s", path.c_str(), strerror(map_errno));
    }
    data = (const char *) map;
}

void mapped_file::release_pages() const { madvise((void *) data, size, MADV_DONTNEED); }

bool mapped_file::intact(const std::string & path) const {
    struct stat st;
    if (stat(path.c_str(), &st) != 0) {
        return true;
    }
    return (uint64_t) st.st_dev == device && (uint64_t) st.st_ino == inode && st.st_size >= 0 && (uint64_t) st.st_size >= size;
}

bool mapped_file::cut(const std::string & path) const {
    struct stat st;
    const bool there = stat(path.c_str(), &st) == 0 && (uint64_t) st.st_dev == device && (uint64_t) st.st_ino == inode;
    return there && (uint64_t) st.st_size < size;
}

mapped_file::~mapped_file() {
    if (data) {
        munmap((void *) data, size);
    }
}

#endif
