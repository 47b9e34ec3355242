// What a request carries besides text: images, text files, PDF; in it, or named by an address that
// is still to be fetched. Pure: checks against the owner's limits, and makes attachments of a
// TurnOrder.
//
// Every error is a bad_message that names the member.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"
#include "workers/gateway/http_settings.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

// What is wrong with a member of a request.
Error unfit(const std::string& where, const std::string& what);
// On a line of its own.
void add_text(std::string& to, std::string_view text);
// How many bytes so much base64 stands for.
size_t decoded_size(std::string_view base64);

// An image as base64.
Result<Json> image_of(const std::string& type, std::string base64, const std::string& where,
                      const MediaLimits& limits);
// An image of "data:image/png;base64,…" or of an address.
Result<Json> image_of_url(std::string_view url, const std::string& where,
                          const MediaLimits& limits);

// A file: the text that it adds to its message, and an attachment where it is not (only) text.
struct FilePart {
    std::string text;
    std::optional<Json> attachment;
};
Result<FilePart> file_of(const std::string& type, std::string base64, const std::string& name,
                         const std::string& where, const MediaLimits& limits);
// Of a "data:" URL or of an address; without a name the address has one.
Result<FilePart> file_of_url(std::string_view url, const std::string& name,
                             const std::string& where, const MediaLimits& limits);

// The place of an attachment that is still to be fetched; nothing: none is.
std::optional<size_t> to_be_fetched(const TurnOrder& order);
const MediaLimits& limits_of(const Json& attachment, const HttpSettings& settings);
// It is there: the attachment becomes what it stands for.
Done settle_attachment(TurnOrder& order, size_t place, const std::string& type, std::string base64,
                       const HttpSettings& settings);

}  // namespace gateway
