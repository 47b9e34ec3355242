#include "tests/support/telephone_double.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cctype>

namespace {

std::string base64(const std::string& bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    text.resize(static_cast<size_t>(EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(text.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()))));
    return text;
}

std::string encoded(const std::string& text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const unsigned char c : text) {
        if (std::isalnum(c) || c == '-' || c == '_' || c == '.') {
            out += static_cast<char>(c);
            continue;
        }
        out += '%';
        out += digits[c >> 4];
        out += digits[c & 15];
    }
    return out;
}

std::string decoded(const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size()) {
            out += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
            at += 2;
        } else {
            out += text[at] == '+' ? ' ' : text[at];
        }
    }
    return out;
}

std::map<std::string, std::string> read_form(const std::string& body) {
    std::map<std::string, std::string> form;
    for (size_t at = 0; at < body.size();) {
        const size_t end = std::min(body.find('&', at), body.size());
        const size_t equals = std::min(body.find('=', at), end);
        form[decoded(body.substr(at, equals - at))] =
            decoded(body.substr(std::min(equals + 1, end), end - std::min(equals + 1, end)));
        at = end + 1;
    }
    return form;
}

}  // namespace

TelephoneDouble::TelephoneDouble()
    : server_({}, [this](const LoopbackRequest& request) { return answer(request); }) {}

LoopbackAnswer TelephoneDouble::answer(const LoopbackRequest& request) {
    const std::lock_guard lock(mutex_);
    const auto given = request.headers.find("authorization");
    const std::string wanted = "Basic " + base64(std::string(account) + ":" + token);
    const bool authorised = given != request.headers.end() && given->second == wanted;
    requests_.push_back({request.method, request.path, read_form(request.body), authorised});
    changed_.notify_all();
    LoopbackAnswer answer;
    if (failure_ != 0 || !authorised) {
        answer.status = failure_ != 0 ? failure_ : 401;
        answer.body = R"({"code":20003,"message":"Authenticate"})";
        return answer;
    }
    const std::string calls = std::string("/2010-04-01/Accounts/") + account + "/Calls";
    if (request.path == calls + ".json") {
        answer.status = 201;
        answer.body = R"({"sid":"CAplaced)" + std::to_string(++placed_) + R"(","status":"queued"})";
    } else {
        answer.body = R"({"sid":"CA","status":"in-progress"})";
    }
    return answer;
}

std::vector<TelephoneDouble::Request> TelephoneDouble::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::optional<TelephoneDouble::Request> TelephoneDouble::wait(
    size_t from, const std::function<bool(const Request&)>& fits,
    std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    std::optional<Request> found;
    changed_.wait_for(lock, limit, [&] {
        for (size_t at = from; at < requests_.size() && !found; ++at)
            if (fits(requests_[at])) found = requests_[at];
        return found.has_value();
    });
    return found;
}

void TelephoneDouble::fail_with(int status) {
    const std::lock_guard lock(mutex_);
    failure_ = status;
}

std::string TelephoneDouble::body_of(const Fields& form) {
    std::string body;
    for (const auto& [name, value] : form)
        body += (body.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
    return body;
}

std::string TelephoneDouble::signature(const std::string& url, Fields form) {
    std::sort(form.begin(), form.end());
    std::string base = url;
    for (const auto& [name, value] : form) base += name + value;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha1(), token, static_cast<int>(std::string(token).size()),
         reinterpret_cast<const unsigned char*>(base.data()), base.size(), digest, &size);
    return base64(std::string(reinterpret_cast<const char*>(digest), size));
}

HttpAnswer TelephoneDouble::post_signed(uint16_t port, const std::string& public_url,
                                        const std::string& query, const Fields& form,
                                        const std::string& signature) {
    const std::string path = public_url.substr(public_url.find('/', public_url.find("://") + 3));
    std::string headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    const std::string body = body_of(form);
    headers += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (!signature.empty()) headers += "X-Twilio-Signature: " + signature + "\r\n";
    return http_request(port, "POST", path + (query.empty() ? "" : "?" + query), headers, body);
}

HttpAnswer TelephoneDouble::post(uint16_t port, const std::string& public_url,
                                 const std::string& query, const Fields& form) const {
    return post_signed(port, public_url, query, form,
                       signature(public_url + (query.empty() ? "" : "?" + query), form));
}

std::string TelephoneDouble::next_query(const std::string& xml) {
    const size_t start = xml.find("webhook?");
    if (start == std::string::npos) return {};
    std::string query = xml.substr(start + 8, xml.find_first_of("<\"", start) - start - 8);
    for (size_t amp; (amp = query.find("&amp;")) != std::string::npos;) query.erase(amp + 1, 4);
    return query;
}
