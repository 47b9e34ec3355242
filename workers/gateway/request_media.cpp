#include "workers/gateway/request_media.h"

#include <sodium.h>

#include <algorithm>

#include "workers/common/base/text.h"
#include "workers/gateway/frames.h"

namespace gateway {

namespace {

constexpr const char* pdf_type = "application/pdf";
constexpr std::string_view data_scheme = "data:";

bool takes(const MediaLimits& limits, const std::string& type) {
    return std::find(limits.types.begin(), limits.types.end(), type) != limits.types.end();
}

std::string list_of_types(const MediaLimits& limits) {
    std::string text;
    for (const std::string& name : limits.types) text += (text.empty() ? "" : ", ") + name;
    return text;
}

bool is_address(std::string_view url) {
    const std::string start = lower_case(url.substr(0, 8));
    return start.starts_with("http://") || start.starts_with("https://");
}

// "a.pdf" of "https://host/x/a.pdf?y"; empty when there is none.
std::string name_in(std::string_view url) {
    const std::string_view path = url.substr(0, url.find_first_of("?#"));
    const size_t slash = path.rfind('/');
    return slash > path.find("://") + 2 ? std::string(path.substr(slash + 1)) : std::string();
}

Result<std::string> decoded(const std::string& base64, const std::string& where) {
    std::string bytes(base64.size() / 4 * 3 + 3, '\0');
    size_t size = 0;
    const bool read = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                                        bytes.size(), base64.data(), base64.size(), "\r\n ", &size,
                                        nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
    if (!read) return unfit(where, "must be base64");
    bytes.resize(size);
    return bytes;
}

struct DataUrl {
    std::string type;
    std::string base64;
};
Result<DataUrl> read_data_url(std::string_view url, const std::string& where) {
    constexpr std::string_view encoding = ";base64";
    const size_t comma = url.find(',');
    const std::string_view head = comma == std::string_view::npos
                                      ? std::string_view()
                                      : url.substr(data_scheme.size(), comma - data_scheme.size());
    if (!head.ends_with(encoding)) return unfit(where, "a data: address must be base64");
    return DataUrl{std::string(head.substr(0, head.find(';'))), std::string(url.substr(comma + 1))};
}

Result<Json> by_address(const char* kind, std::string_view url, const std::string& where,
                        const MediaLimits& limits) {
    if (!is_address(url))
        return unfit(where, "must be data:…;base64,… or an address of http or https");
    if (!limits.by_address)
        return unfit(where,
                     "addresses are not fetched here (gateway.http.endpoints."
                     "responses." +
                         std::string(kind) + "s.allowUrl); send the content itself");
    return Json{{"type", kind}, {"url", url}, {"where", where}};
}

}  // namespace

Error unfit(const std::string& where, const std::string& what) {
    return Error{Fault::bad_message, where + ": " + what};
}

void add_text(std::string& to, std::string_view text) {
    if (text.empty()) return;
    if (!to.empty()) to += "\n";
    to += text;
}

size_t decoded_size(std::string_view base64) {
    size_t letters = base64.size();
    while (letters > 0 && base64[letters - 1] == '=') --letters;
    return letters / 4 * 3 + letters % 4 * 3 / 4;
}

Result<Json> image_of(const std::string& type, std::string base64, const std::string& where,
                      const MediaLimits& limits) {
    if (!takes(limits, type))
        return unfit(where,
                     "images of type \"" + type + "\" are not taken; use " + list_of_types(limits));
    if (base64.empty()) return unfit(where, "the image is empty");
    if (decoded_size(base64) > limits.most_bytes)
        return unfit(where,
                     "the image is larger than " + std::to_string(limits.most_bytes) + " bytes");
    return Json{{"type", "image"}, {"mimeType", type}, {"content", std::move(base64)}};
}

Result<Json> image_of_url(std::string_view url, const std::string& where,
                          const MediaLimits& limits) {
    if (!url.starts_with(data_scheme)) return by_address("image", url, where, limits);
    Result<DataUrl> data = read_data_url(url, where);
    return data ? image_of(data->type, std::move(data->base64), where, limits) : data.error();
}

Result<FilePart> file_of(const std::string& given_type, std::string base64, const std::string& name,
                         const std::string& where, const MediaLimits& limits) {
    const std::string type = given_type.substr(0, given_type.find(';'));
    const bool is_text = type.starts_with("text/") || type == "application/json";
    if ((!is_text && type != pdf_type) || !takes(limits, type))
        return unfit(where,
                     "files of type \"" + type + "\" are not taken; use " + list_of_types(limits));
    if (decoded_size(base64) > limits.most_bytes)
        return unfit(where,
                     "the file is larger than " + std::to_string(limits.most_bytes) + " bytes");
    const Result<std::string> content = decoded(base64, where);
    if (!content) return content.error();
    if (is_text)
        return FilePart{"[" + name + "]\n" + cut_text(*content, limits.most_characters), {}};
    if (!content->starts_with("%PDF-")) return unfit(where, "the file is no PDF");
    return FilePart{"[attached: " + name + "]", Json{{"type", "file"},
                                                     {"mimeType", type},
                                                     {"fileName", name},
                                                     {"content", std::move(base64)}}};
}

Result<FilePart> file_of_url(std::string_view url, const std::string& given_name,
                             const std::string& where, const MediaLimits& limits) {
    if (url.starts_with(data_scheme)) {
        Result<DataUrl> data = read_data_url(url, where);
        return data ? file_of(data->type, std::move(data->base64),
                              given_name.empty() ? "file" : given_name, where, limits)
                    : data.error();
    }
    Result<Json> attachment = by_address("file", url, where, limits);
    if (!attachment) return attachment.error();
    const std::string own = given_name.empty() ? name_in(url) : given_name;
    const std::string name = own.empty() ? "file" : own;
    (*attachment)["fileName"] = name;
    return FilePart{"[attached: " + name + "]", std::move(*attachment)};
}

std::optional<size_t> to_be_fetched(const TurnOrder& order) {
    for (size_t place = 0; place < order.attachments.size(); ++place)
        if (order.attachments[place].contains("url")) return place;
    return {};
}

const MediaLimits& limits_of(const Json& attachment, const HttpSettings& settings) {
    return text_view(attachment, "type") == "image" ? settings.images : settings.files;
}

Done settle_attachment(TurnOrder& order, size_t place, const std::string& type, std::string base64,
                       const HttpSettings& settings) {
    const Json wanted = order.attachments[place];
    const std::string where = text_member(wanted, "where");
    const MediaLimits& limits = limits_of(wanted, settings);
    if (text_view(wanted, "type") == "image") {
        Result<Json> image = image_of(type, std::move(base64), where, limits);
        if (!image) return image.error();
        order.attachments[place] = std::move(*image);
        return {};
    }
    Result<FilePart> file =
        file_of(type, std::move(base64), text_member(wanted, "fileName"), where, limits);
    if (!file) return file.error();
    if (file->attachment) {
        order.attachments[place] = std::move(*file->attachment);
        return {};
    }
    order.attachments.erase(place);
    order.message += "\n\n" + file->text;
    return {};
}

}  // namespace gateway
