#include "workers/gateway/page_files.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>

#include "workers/common/base/text.h"

namespace gateway {

namespace {

struct Packing {
    std::string_view coding;  // as HTTP names it
    std::string_view ending;  // of the packed file's name; page/build.mjs makes it
};
// The smallest first; the last row is the file itself.
constexpr Packing packings[] = {
    {"br", ".br"},
    {"gzip", ".gz"},
    {"", ""},
};

// Takes the text up to the separator off the list.
std::string_view take_item(std::string_view& list, char separator) {
    const size_t end = list.find(separator);
    const std::string_view item = trimmed(list.substr(0, end));
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    return item;
}

bool same_word(std::string_view one, std::string_view other) {
    return std::equal(
        one.begin(), one.end(), other.begin(), other.end(),
        [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// "q=0", "q=0.000": not wanted.
bool is_nothing(std::string_view weight) {
    return weight.size() > 2 && same_word(weight.substr(0, 2), "q=") &&
           weight.find_first_not_of("0.", 2) == std::string_view::npos;
}

const PageFile* find_file(std::span<const PageFile> files, std::string_view name,
                          std::string_view ending) {
    for (const PageFile& file : files)
        if (file.path.size() == name.size() + ending.size() && file.path.starts_with(name) &&
            file.path.ends_with(ending))
            return &file;
    return nullptr;
}

// Packed ones are no files of the page by themselves.
bool is_packed_name(std::string_view name) {
    return std::any_of(std::begin(packings), std::end(packings), [&](const Packing& row) {
        return !row.ending.empty() && name.ends_with(row.ending);
    });
}

}  // namespace

std::string tag_of(std::string_view content) {
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash(digest, sizeof digest,
                       reinterpret_cast<const unsigned char*>(content.data()), content.size(),
                       nullptr, 0);
    char text[2 * sizeof digest + 1];
    return sodium_bin2hex(text, sizeof text, digest, sizeof digest);
}

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
    while (!accept_encoding.empty()) {
        std::string_view item = take_item(accept_encoding, ',');
        if (same_word(take_item(item, ';'), coding)) return !is_nothing(trimmed(item));
    }
    return false;
}

bool names_tag(std::string_view if_none_match, std::string_view tag) {
    while (!if_none_match.empty()) {
        std::string_view item = take_item(if_none_match, ',');
        if (item.starts_with("W/")) item.remove_prefix(2);
        if (item.size() == tag.size() + 2 && item.front() == '"' && item.back() == '"' &&
            item.substr(1, tag.size()) == tag)
            return true;
    }
    return false;
}

std::optional<HttpAnswer> page_file_answer(std::span<const PageFile> files, const HttpAsk& ask,
                                           std::string_view name, std::string_view content_type,
                                           const std::string& headers) {
    if (is_packed_name(name)) return {};
    const std::string accepted = ask.header("accept-encoding");
    for (const Packing& row : packings) {
        const PageFile* file = find_file(files, name, row.ending);
        if (!file || (!row.coding.empty() && !accepts_coding(accepted, row.coding))) continue;
        const std::string tag = tag_of(file->content);
        std::string lines = headers + "\r\nVary: Accept-Encoding\r\nETag: \"" + tag + "\"";
        if (names_tag(ask.header("if-none-match"), tag))
            return static_answer(304, content_type, {}, lines, false);
        if (!row.coding.empty()) lines.append("\r\nContent-Encoding: ").append(row.coding);
        return static_answer(200, content_type, file->content, lines, false);
    }
    return {};
}

}  // namespace gateway
