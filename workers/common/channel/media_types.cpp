// What files are, by their first bytes and by their names.

#include <algorithm>
#include <cctype>
#include <iterator>

#include "workers/common/channel/media.h"

namespace channel {

namespace {

struct Signature {
    size_t offset;
    std::string_view bytes;
    std::string_view type;
};

using namespace std::string_view_literals;

// Read from the top; the first that fits decides.
constexpr Signature signatures[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "GIF8"sv, "image/gif"},
    {8, "WEBP"sv, "image/webp"},
    {8, "WAVE"sv, "audio/wav"},
    {4, "ftypheic"sv, "image/heic"},
    {4, "ftypM4A"sv, "audio/mp4"},
    {4, "ftypqt"sv, "video/quicktime"},
    {4, "ftyp"sv, "video/mp4"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    {0, "OggS"sv, "audio/ogg"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "\xff\xfb"sv, "audio/mpeg"},
    {0, "\xff\xf3"sv, "audio/mpeg"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "%PDF-"sv, "application/pdf"},
    {0, "\x1f\x8b"sv, "application/gzip"},
};

struct Ending {
    std::string_view ending;
    std::string_view type;
};

// The first of a type is its usual one.
constexpr Ending endings[] = {
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".heic", "image/heic"},
    {".mp4", "video/mp4"},
    {".mov", "video/quicktime"},
    {".webm", "video/webm"},
    {".ogg", "audio/ogg"},
    {".oga", "audio/ogg"},
    {".opus", "audio/ogg"},
    {".mp3", "audio/mpeg"},
    {".m4a", "audio/mp4"},
    {".wav", "audio/wav"},
    {".flac", "audio/flac"},
    {".pdf", "application/pdf"},
    {".gz", "application/gzip"},
    {".zip", "application/zip"},
    {".json", "application/json"},
    {".txt", "text/plain"},
    {".md", "text/markdown"},
    {".csv", "text/csv"},
    {".html", "text/html"},
    {".xml", "application/xml"},
    {".tgs", "application/x-tgsticker"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

}  // namespace

std::string_view sniffed_type(std::string_view beginning) {
    for (const Signature& signature : signatures)
        if (beginning.size() >= signature.offset + signature.bytes.size() &&
            beginning.substr(signature.offset, signature.bytes.size()) == signature.bytes)
            return signature.type;
    return {};
}

std::string_view ending_of(std::string_view mime_type) {
    for (const Ending& row : endings)
        if (row.type == mime_type) return row.ending;
    return {};
}

std::string_view type_of_name(std::string_view file_name) {
    const size_t dot = file_name.rfind('.');
    if (dot == std::string_view::npos) return {};
    for (const Ending& row : endings)
        if (equal_ignoring_case(row.ending, file_name.substr(dot))) return row.type;
    return {};
}

std::string_view family_of(std::string_view mime_type) {
    for (const std::string_view family : {"image"sv, "video"sv, "audio"sv})
        if (mime_type.starts_with(family) && mime_type.substr(family.size()).starts_with('/'))
            return family;
    return "document";
}

}  // namespace channel
