#include "workers/agent/sessions_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace agent {

namespace {

constexpr size_t most_read_at_once = 256u << 10;  // bytes
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// The bytes of a file, one after another.
class FileBytes {
  public:
    static constexpr int none = -1;  // the end, or a failure

    explicit FileBytes(int file) : file_(file) {}
    // The next one, which stays the next.
    int next() {
        if (at_ == have_ && !fill()) return none;
        return static_cast<unsigned char>(buffer_[at_]);
    }
    int take() {
        const int byte = next();
        if (byte != none) ++at_;
        return byte;
    }
    // Into the text, up to the first that ends it, which stays the next.
    template <typename Ends>
    int take_until(std::string& text, Ends ends) {
        while (next() != none) {
            const size_t begin = at_;
            while (at_ < have_ && !ends(buffer_[at_])) ++at_;
            text.append(buffer_, begin, at_ - begin);
            if (at_ < have_) break;
        }
        return next();
    }
    // The first that is no blank, which stays the next.
    int past_blanks() {
        int byte = next();
        while (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') {
            ++at_;
            byte = next();
        }
        return byte;
    }
    int64_t position() const { return before_ + static_cast<int64_t>(at_); }
    int failure() const { return failure_; }

  private:
    bool fill() {
        if (failure_ != 0) return false;
        before_ += static_cast<int64_t>(have_);
        at_ = have_ = 0;
        ssize_t got = 0;
        do got = ::pread(file_, buffer_.data(), buffer_.size(), before_);
        while (got < 0 && errno == EINTR);
        if (got < 0) failure_ = errno;
        have_ = got > 0 ? static_cast<size_t>(got) : 0;
        return have_ > 0;
    }

    int file_;
    std::string buffer_ = std::string(most_read_at_once, '\0');
    size_t at_ = 0;
    size_t have_ = 0;
    int64_t before_ = 0;  // the buffer's place in the file
    int failure_ = 0;     // errno
};

// From a quote to the one that ends it; less where the file ends before.
void take_string(FileBytes& bytes, std::string& text) {
    text += static_cast<char>(bytes.take());
    const auto ends = [](char c) { return c == '"' || c == '\\'; };
    while (bytes.take_until(text, ends) != FileBytes::none) {
        const int byte = bytes.take();
        text += static_cast<char>(byte);
        if (byte == '"') return;
        if (bytes.next() != FileBytes::none) text += static_cast<char>(bytes.take());
    }
}

// As far as a value goes: to the comma or bracket of what is around it. Whether it is one, the
// parser says.
std::string take_value(FileBytes& bytes) {
    std::string text;
    size_t depth = 0;
    const auto ends = [](char c) {
        return c == '"' || c == ',' || c == '{' || c == '}' || c == '[' || c == ']';
    };
    for (int byte = bytes.take_until(text, ends); byte != FileBytes::none;
         byte = bytes.take_until(text, ends)) {
        if (byte == '"') {
            take_string(bytes, text);
            continue;
        }
        const bool closes = byte == '}' || byte == ']';
        if (depth == 0 && (closes || byte == ',')) break;
        if (byte == '{' || byte == '[') ++depth;
        if (closes) --depth;
        text += static_cast<char>(bytes.take());
    }
    return text;
}

std::string at_byte(const FileBytes& bytes) {
    return " at byte " + std::to_string(bytes.position());
}

// The next member, its value read once to see that it is one. An error says what is wrong.
Result<bool> take_member(FileBytes& bytes, IndexEntry& entry) {
    const auto broken = [&](const std::string& what) {
        return Error{Fault::bad_message, what + at_byte(bytes)};
    };
    if (bytes.past_blanks() != '"') return broken("there is no name of a session");
    std::string name;
    take_string(bytes, name);
    const Result<Json> key = parse_json(name);
    if (!key) return broken(key.error().what);
    entry.key = key->get<std::string>();
    if (bytes.past_blanks() != ':') return broken("nothing is said of \"" + entry.key + "\"");
    bytes.take();
    (void)bytes.past_blanks();
    entry.offset = bytes.position();
    const std::string text = take_value(bytes);
    const Result<Json> value = parse_json(text);
    if (!value)
        return Error{Fault::bad_message,
                     "the entry of \"" + entry.key + "\": " + value.error().what};
    entry.size = text.size();
    entry.updated_at = int_member(*value, "updatedAt");
    return value->is_object();
}

Result<std::vector<IndexEntry>> take_object(FileBytes& bytes) {
    for (const char byte : byte_order_mark)
        if (bytes.next() == static_cast<unsigned char>(byte)) bytes.take();
    if (bytes.past_blanks() != '{') return Error{Fault::bad_message, "it holds no object"};
    bytes.take();
    std::vector<IndexEntry> found;
    bool is_open = bytes.past_blanks() != '}';
    if (!is_open) bytes.take();
    while (is_open) {
        IndexEntry entry;
        const Result<bool> is_session = take_member(bytes, entry);
        if (!is_session) return is_session.error();
        if (*is_session) found.push_back(std::move(entry));
        const int after = bytes.past_blanks();
        if (after != ',' && after != '}')
            return Error{Fault::bad_message, "a comma or bracket is missing" + at_byte(bytes)};
        bytes.take();
        is_open = after == ',';
    }
    if (bytes.past_blanks() != FileBytes::none)
        return Error{Fault::bad_message, "something follows its end" + at_byte(bytes)};
    return found;
}

}  // namespace

Result<SessionsReader> SessionsReader::open(const std::string& path) {
    // Opening a pipe would wait for whoever writes to it.
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file && errno == ENOENT) return SessionsReader(path, Fd());
    if (!file) return system_error("cannot read " + path, errno);
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
        return Error{Fault::bad_message, path + " is not a regular file"};
    return SessionsReader(path, std::move(file));
}

Result<std::vector<IndexEntry>> SessionsReader::entries() const {
    if (!file_) return std::vector<IndexEntry>();
    FileBytes bytes(file_.get());
    Result<std::vector<IndexEntry>> found = take_object(bytes);
    if (bytes.failure() != 0) return system_error("cannot read " + path_, bytes.failure());
    if (!found) return Error{Fault::bad_message, path_ + ": " + found.error().what};
    return found;
}

Result<Json> SessionsReader::entry(const IndexEntry& place) const {
    std::string text(place.size, '\0');
    size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = ::pread(file_.get(), text.data() + have, text.size() - have,
                                    place.offset + static_cast<int64_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("cannot read " + path_, errno);
        if (got == 0) break;
        have += static_cast<size_t>(got);
    }
    text.resize(have);
    Result<Json> value = parse_json(text);
    if (!value || !value->is_object())
        return Error{Fault::bad_message, path_ + " was written to while it was read"};
    return value;
}

}  // namespace agent
