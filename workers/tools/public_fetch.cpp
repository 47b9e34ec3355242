#include "workers/tools/public_fetch.h"

#include <utility>

#include "workers/tools/address_guard.h"

namespace tools {

namespace {

std::string lower_letters(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string seconds_of(std::chrono::milliseconds limit) {
    const auto whole = std::chrono::ceil<std::chrono::seconds>(limit);
    return std::to_string(whole.count()) + " s";
}

}  // namespace

std::string url_problem(const std::string& url) {
    const std::string low = lower_letters(url);
    if (!low.starts_with("http://") && !low.starts_with("https://"))
        return "only http and https addresses can be read";
    for (const char c : url)
        if (static_cast<unsigned char>(c) <= ' ') return "there is a space in the address";
    if (url.substr(0, url.find('/', 8)).find('@') != std::string::npos)
        return "an address with a user's name is not read";
    std::string host = lower_letters(host_of_url(url));
    while (host.ends_with('.')) host.pop_back();
    if (host.empty()) return "the address names no host";
    for (const char* ending : {"localhost", ".localhost", ".internal", ".local", ".flycast"})
        if (host == ending || host.ends_with(ending)) return host + " is no public host";
    return {};
}

std::string redirected(const std::string& url, const std::string& location) {
    if (location.empty()) return {};
    const std::string low = lower_letters(location);
    if (low.starts_with("http://") || low.starts_with("https://")) return location;
    const size_t scheme = url.find("://");
    if (location.starts_with("//")) return url.substr(0, scheme + 1) + location;
    if (location.find("://") < location.find_first_of("/?#")) return {};
    const size_t path = url.find_first_of("/?#", scheme + 3);
    const std::string origin = url.substr(0, path);
    if (location.front() == '/') return origin + location;
    const std::string whole =
        path == std::string::npos ? "/" : url.substr(path, url.find_first_of("?#") - path);
    if (location.front() == '?') return origin + whole + location;
    return origin + whole.substr(0, whole.rfind('/') + 1) + location;
}

class PublicWeb::Fetch final : public PublicFetch, private HttpReceiver {
  public:
    Fetch(Loop& loop, HttpClient& http, Order order, Ended ended)
        : loop_(loop), http_(http), order_(std::move(order)), ended_(std::move(ended)) {
        limit_ = loop_.after(order_.time_limit, [this] {
            end(Error{Fault::timed_out, "it took longer than " + seconds_of(order_.time_limit)});
        });
        get(order_.url);
    }

  private:
    void get(const std::string& url) {
        if (const std::string problem = url_problem(url); !problem.empty())
            return refuse(Error{Fault::bad_message, problem});
        found_ = {url, "", "", 0};
        HttpRequest request;
        request.url = url;
        request.headers = order_.headers;
        request.idle_timeout = std::chrono::seconds(20);
        request.largest_response = order_.largest;
        call_ = http_.start(std::move(request), *this);
    }

    // When the loop is next free: an end destroys this.
    void refuse(Error why) {
        later_ =
            loop_.after(std::chrono::milliseconds(0), [this, why = std::move(why)] { end(why); });
    }

    void http_head(const HttpHead& head) override {
        found_.status = head.status;
        found_.type = lower_letters(std::string(head.header("content-type")));
        location_ = std::string(head.header("location"));
    }

    void http_body(std::string_view bytes) override { found_.body += bytes; }

    void http_ended(const Done& outcome) override {
        call_.reset();
        if (!outcome) return end(outcome.error());
        const int status = found_.status;
        if (status >= 300 && status < 400 && !location_.empty()) return follow();
        if (status >= 400)
            return end(Error{status >= 500 ? Fault::unreachable : Fault::bad_message,
                             "the server answered with status " + std::to_string(status)});
        end(std::move(found_));
    }

    void follow() {
        if (++redirects_ > order_.most_redirects)
            return end(Error{Fault::bad_message, "it is redirected too often"});
        const std::string next = redirected(found_.url, location_);
        if (next.empty())
            return end(Error{Fault::bad_message, "it is redirected to what cannot be read"});
        get(next);
    }

    void end(Result<Resource> outcome) {
        const Ended ended = std::move(ended_);  // lives to the end of this
        limit_.reset();
        ended(std::move(outcome));
    }

    Loop& loop_;
    HttpClient& http_;
    const Order order_;
    Ended ended_;
    Resource found_;
    std::string location_;
    int redirects_ = 0;
    std::unique_ptr<HttpCall> call_;
    Loop::Registration limit_;
    Loop::Registration later_;
};

PublicWeb::PublicWeb(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {
    if (!options_.may_connect) options_.may_connect = is_public_address;
}

std::unique_ptr<PublicFetch> PublicWeb::fetch(Order order, Ended ended) {
    if (!http_) {
        HttpClient::Options options;
        options.certificate_file = options_.certificate_file;
        options.may_connect = options_.may_connect;
        http_ = std::make_unique<HttpClient>(loop_, options);
    }
    return std::make_unique<Fetch>(loop_, *http_, std::move(order), std::move(ended));
}

}  // namespace tools
