#pragma once

// A file mapped read-only: the weights of a model are used where they lie in the page cache.

#include <cstddef>
#include <cstdint>
#include <string>

struct mapped_file {
    const char * data = nullptr;
    size_t size = 0;                // bytes
    uint64_t device = 0, inode = 0; // where there are such

    // throws FILE_NOT_FOUND, FILE_UNREADABLE (a folder, no permission, empty), BACKEND (cannot map)
    explicit mapped_file(const std::string & path);
    ~mapped_file();

    // What was read stays in the page cache, but no longer counts as memory of this process until it is read again.
    void release_pages() const;

    // Whether what is at the path (of the constructor) is still the mapped file, and not shorter: a read past its end ends the
    // process. A file that was removed is intact, its mapping keeps it. Always true on Windows: what is mapped cannot be cut there.
    bool intact(const std::string & path) const;

    // Whether the mapped file itself became shorter. One that took its place, or its removal, does not touch the mapping.
    bool cut(const std::string & path) const;

    mapped_file(const mapped_file &) = delete;
    mapped_file & operator=(const mapped_file &) = delete;
};
