// Attachments of a request: base64 or data URLs of images and documents, checked before anybody is
// shown them.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

inline constexpr size_t largest_attachment = 5'000'000;  // bytes, decoded
inline constexpr size_t largest_document = 8u << 20;     // bytes, decoded

// The blocks for a model. bad_message names the attachment that is no base64 or too large; what a
// model can be shown in no way is left out with a line in the log.
struct Attached {
    std::vector<Json> images;
    std::vector<Json> documents;  // {type: "document", mimeType, fileName, data}: PDF
};
Result<Attached> read_attachments(const Json& attachments);
// The block of an image file below a directory.
Result<Json> image_of_file(const std::string& directory, const std::string& name,
                           const std::string& mime_type, size_t most_bytes);

}  // namespace agent
