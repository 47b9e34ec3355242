#include "workers/voice/signatures.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>

#include "workers/voice/form.h"

namespace voice {

namespace {

constexpr size_t longest_header = 4096;
constexpr size_t key_size = 32;
constexpr size_t ed25519_signature_size = 64;
// SubjectPublicKeyInfo of an Ed25519 key, up to the key (RFC 8410).
constexpr std::string_view spki_prefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);

Error refused(std::string why) {
    return {Fault::bad_credentials, std::move(why)};
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(const EVP_MD* digest, const Secret& key, std::string_view message) {
    unsigned char result[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const std::string& text = key.reveal();
    HMAC(digest, text.data(), static_cast<int>(text.size()), bytes_of(message), message.size(),
         result, &size);
    return {reinterpret_cast<const char*>(result), size};
}

std::string sha256(std::string_view message) {
    unsigned char result[SHA256_DIGEST_LENGTH];
    SHA256(bytes_of(message), message.size(), result);
    return {reinterpret_cast<const char*>(result), sizeof result};
}

std::string hex_of(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (const char c : text) {
        hex += digits[static_cast<unsigned char>(c) >> 4];
        hex += digits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

// Nothing for what is not exactly base64: letters in another place, blanks, a missing `=`.
std::optional<std::string> from_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0 || text.size() > longest_header) return {};
    std::string decoded(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                     bytes_of(text), static_cast<int>(text.size()));
    if (size < 0) return {};
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    decoded.resize(static_cast<size_t>(size) - padding);
    // Only one spelling: OpenSSL is generous about blanks and left-over bits.
    if (base64_of(decoded) != text) return {};
    return decoded;
}

// Of digests, so that neither content nor length shows in the time it takes.
bool same(std::string_view given, std::string_view wanted) {
    const std::string one = sha256(given);
    const std::string other = sha256(wanted);
    return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string with_query(const std::string& url, const std::string& query) {
    return query.empty() ? url : url + "?" + query;
}

// The URL as it is, and as it is written by those who name the port, or do not.
std::vector<std::string> spellings_of(const std::string& url) {
    struct Scheme {
        std::string_view prefix;
        std::string_view port;
    };
    constexpr Scheme schemes[] = {{"https://", ":443"}, {"http://", ":80"}};
    std::vector<std::string> spellings{url};
    for (const Scheme& scheme : schemes) {
        if (!url.starts_with(scheme.prefix)) continue;
        const size_t end = std::min(url.find_first_of("/?", scheme.prefix.size()), url.size());
        const size_t colon = url.find(':', scheme.prefix.size());
        std::string other = url;
        if (colon == std::string::npos || colon > end)
            other.insert(end, scheme.port);
        else if (url.substr(colon, end - colon) == scheme.port)
            other.erase(colon, end - colon);
        else
            continue;
        spellings.push_back(std::move(other));
    }
    return spellings;
}

// Twilio signs a field that comes twice with the same value once.
std::string twilio_fields(const Fields& fields) {
    Fields signed_fields = sorted(fields);
    signed_fields.erase(std::unique(signed_fields.begin(), signed_fields.end()),
                        signed_fields.end());
    std::string text;
    for (const auto& [name, value] : signed_fields) text += name + value;
    return text;
}

Done check_body_hash(const SignedRequest& request) {
    const Result<Fields> query = read_form(request.query);
    if (!query) return query.error();
    const std::string_view wanted = value_of(*query, "bodySHA256");
    if (wanted.empty()) return refused("a JSON body whose hash is not part of the URL");
    if (!same(wanted, hex_of(sha256(request.body))))
        return refused("the body is not the one whose hash was signed");
    return {};
}

bool verify_ed25519(const std::string& key, std::string_view signature, std::string_view message) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> public_key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(key), key.size()),
        EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    return public_key && context &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                            message.size()) == 1;
}

// Digits only: "NaN", "1e9", "-1" and "" are no time.
std::optional<int64_t> seconds_of(std::string_view text) {
    int64_t seconds = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool digits = !text.empty() && text.front() >= '0' && text.front() <= '9';
    if (!digits || fault != std::errc() || end != text.data() + text.size()) return {};
    return seconds;
}

}  // namespace

std::string_view SignedRequest::header(std::string_view name) const {
    for (const auto& [known, value] : headers)
        if (known == name) return value;
    return {};
}

bool SignedRequest::has_json() const {
    const std::string_view type = header("content-type");
    return type.substr(0, type.find(';')) == "application/json";
}

std::string twilio_base(std::string_view url, std::string_view form_body) {
    const Result<Fields> fields = read_form(form_body);
    return std::string(url) + (fields ? twilio_fields(*fields) : "");
}

std::string twilio_signature(const Secret& auth_token, std::string_view base) {
    return base64_of(hmac(EVP_sha1(), auth_token, base));
}

Result<Verified> verify_twilio(const SignedRequest& request, const Secret& auth_token) {
    if (auth_token.empty()) return refused("there is no auth token to verify with");
    const std::string_view given = request.header("x-twilio-signature");
    if (given.empty()) return refused("X-Twilio-Signature is missing");
    if (given.size() > longest_header) return refused("X-Twilio-Signature is too long");
    std::string_view form = request.body;
    if (request.has_json()) {
        if (const Done hash = check_body_hash(request); !hash) return hash.error();
        form = {};
    }
    const Result<Fields> fields = read_form(form);
    if (!fields) return fields.error();
    const std::string tail = twilio_fields(*fields);
    const std::string url = with_query(request.public_url, request.query);
    const std::vector<std::string> spellings = spellings_of(url);
    const bool is_right = std::any_of(spellings.begin(), spellings.end(), [&](const auto& one) {
        return same(given, twilio_signature(auth_token, one + tail));
    });
    if (!is_right) return refused("X-Twilio-Signature is not right for " + request.public_url);
    return Verified{sha256("twilio\n" + url + tail)};
}

Result<std::string> telnyx_key(std::string_view text) {
    std::optional<std::string> key = from_base64(text);
    if (key && key->size() == spki_prefix.size() + key_size && key->starts_with(spki_prefix))
        key->erase(0, spki_prefix.size());
    if (!key || key->size() != key_size)
        return Error{Fault::bad_config,
                     "is no Ed25519 public key: copy it from the Telnyx portal (44 or 60 letters "
                     "of base64)"};
    return std::move(*key);
}

Result<Verified> verify_telnyx(const SignedRequest& request, const std::string& public_key,
                               int64_t now_s) {
    if (public_key.size() != key_size) return refused("there is no public key to verify with");
    const std::string_view stamp = request.header("telnyx-timestamp");
    const std::optional<int64_t> sent = seconds_of(stamp);
    if (!sent) return refused("telnyx-timestamp is missing, or no time");
    // Before the arithmetic of the signature, which costs.
    if (*sent < now_s - telnyx_window_s || *sent > now_s + telnyx_window_s)
        return refused("telnyx-timestamp is more than 300 seconds off");
    const std::optional<std::string> signature =
        from_base64(request.header("telnyx-signature-ed25519"));
    if (!signature || signature->size() != ed25519_signature_size)
        return refused("telnyx-signature-ed25519 is missing, or no signature");
    const std::string message = std::string(stamp) + "|" + request.body;
    if (!verify_ed25519(public_key, *signature, message))
        return refused("telnyx-signature-ed25519 is not right for this body");
    return Verified{sha256("telnyx\n" + message)};
}

std::string plivo_base(std::string_view url, std::string_view query, std::string_view form_body) {
    std::string base(url);
    const Result<Fields> asked = read_form(query);
    const Result<Fields> posted = read_form(form_body);
    if (!asked || !posted) return base;
    if (!asked->empty() || !posted->empty()) base += '?';
    std::string joined;
    for (const auto& [name, value] : sorted(*asked))
        joined += (joined.empty() ? "" : "&") + name + "=" + value;
    base += joined;
    if (!asked->empty() && !posted->empty()) base += '.';
    for (const auto& [name, value] : sorted(*posted)) base += name + value;
    return base;
}

std::string plivo_signature(const Secret& auth_token, std::string_view base,
                            std::string_view nonce) {
    return base64_of(hmac(EVP_sha256(), auth_token, std::string(base) + "." + std::string(nonce)));
}

Result<Verified> verify_plivo(const SignedRequest& request, const Secret& auth_token) {
    if (auth_token.empty()) return refused("there is no auth token to verify with");
    std::string_view listed = request.header("x-plivo-signature-v3");
    const std::string_view nonce = request.header("x-plivo-signature-v3-nonce");
    if (listed.empty() || nonce.empty())
        return refused("X-Plivo-Signature-V3 or its nonce is missing");
    if (listed.size() > longest_header || nonce.size() > longest_header)
        return refused("X-Plivo-Signature-V3 is too long");
    if (const Result<Fields> fields = read_form(request.query); !fields) return fields.error();
    if (const Result<Fields> fields = read_form(request.body); !fields) return fields.error();
    const std::string base = plivo_base(request.public_url, request.query, request.body);
    const std::string wanted = plivo_signature(auth_token, base, nonce);
    bool is_right = false;
    while (!listed.empty()) {
        const size_t comma = std::min(listed.find(','), listed.size());
        std::string_view one = listed.substr(0, comma);
        listed.remove_prefix(std::min(comma + 1, listed.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (!one.empty() && same(one, wanted)) is_right = true;
    }
    if (!is_right) return refused("X-Plivo-Signature-V3 is not right for " + request.public_url);
    return Verified{sha256("plivo\n" + base + "." + std::string(nonce))};
}

}  // namespace voice
