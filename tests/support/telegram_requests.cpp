// What comes to the double of Telegram: parameters as JSON, as a form, as a form with files.

#include <cctype>
#include <cstdlib>

#include "tests/support/telegram_state.h"

namespace telegram_double {

namespace {

std::string decoded(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

void read_form(const std::string& form, Json& params) {
    size_t begin = 0;
    while (begin < form.size()) {
        const size_t end = std::min(form.find('&', begin), form.size());
        const std::string pair = form.substr(begin, end - begin);
        const size_t equals = std::min(pair.find('='), pair.size());
        if (equals > 0 && equals < pair.size())
            params[decoded(pair.substr(0, equals))] = decoded(pair.substr(equals + 1));
        begin = end + 1;
    }
}

// `name="x"` or `name=x` of a header, or empty; not of `filename="x"`.
std::string attribute(const std::string& head, const std::string& name) {
    const std::string mark = name + "=";
    for (size_t at = head.find(mark); at != std::string::npos; at = head.find(mark, at + 1)) {
        if (at > 0 && head[at - 1] != ' ' && head[at - 1] != ';') continue;
        const size_t begin = at + mark.size();
        if (begin < head.size() && head[begin] == '"')
            return head.substr(begin + 1, head.find('"', begin + 1) - begin - 1);
        return head.substr(begin, head.find_first_of(";\r", begin) - begin);
    }
    return {};
}

void read_part(const std::string& part, Call& call) {
    const size_t head_end = part.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    const std::string head = part.substr(0, head_end);
    const std::string bytes = part.substr(head_end + 4);
    const std::string name = attribute(head, "name");
    const std::string file = attribute(head, "filename");
    if (file.empty())
        call.params[name] = bytes;
    else
        call.files[name] = {file, bytes};
}

void read_multipart(const std::string& body, const std::string& content_type, Call& call) {
    const size_t at = content_type.find("boundary=");
    if (at == std::string::npos) return;
    std::string boundary = content_type.substr(at + 9);
    if (boundary.starts_with('"')) boundary = boundary.substr(1, boundary.find('"', 1) - 1);
    const std::string mark = "--" + boundary;
    size_t begin = body.find(mark);
    while (begin != std::string::npos) {
        begin += mark.size();
        if (body.compare(begin, 2, "--") == 0) return;
        const size_t end = body.find("\r\n" + mark, begin);
        if (end == std::string::npos) return;
        read_part(body.substr(begin + 2, end - begin - 2), call);
        begin = end + 2;
    }
}

}  // namespace

Call read_call(const std::string& method, const std::string& query, const std::string& content_type,
               const std::string& body) {
    Call call;
    call.method = method;
    read_form(query, call.params);
    if (content_type.find("multipart/form-data") != std::string::npos) {
        read_multipart(body, content_type, call);
    } else if (content_type.find("application/json") != std::string::npos) {
        if (body.empty()) return call;
        const Json params = Json::parse(body, nullptr, false);
        if (!params.is_object()) throw Refusal{400, "Bad Request: can't parse JSON object"};
        call.params.update(params);
    } else {
        read_form(body, call.params);
    }
    return call;
}

}  // namespace telegram_double
