// Attachments of a request: base64 or data URLs of images, checked before they reach a transcript.
#pragma once

#include "workers/common/base/json.h"

namespace agent {

inline constexpr size_t largest_attachment = 5'000'000;  // bytes, decoded

// The image blocks of a user message. bad_message names the attachment that is none or too large;
// what is no image is left out with a line in the log.
Result<std::vector<Json>> image_blocks(const Json& attachments);
// The block of an image file below a directory.
Result<Json> image_of_file(const std::string& directory, const std::string& name,
                           const std::string& mime_type, size_t most_bytes);

}  // namespace agent
