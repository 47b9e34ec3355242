#include "tests/support/test_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdlib>

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void insist(bool ok) {
    if (!ok) std::abort();
}

Key make_key() {
    Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    insist(key != nullptr);
    return key;
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    insist(extension != nullptr);
    insist(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

Certificate make_certificate(const char* name, long serial, EVP_PKEY* key, X509* issuer,
                             EVP_PKEY* issuer_key, bool is_authority) {
    Certificate certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509* signer = issuer ? issuer : certificate.get();
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
    if (is_authority)
        add_extension(certificate.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
    else
        add_extension(certificate.get(), signer, NID_subject_alt_name,
                      "DNS:localhost,IP:127.0.0.1");
    insist(X509_sign(certificate.get(), issuer_key, EVP_sha256()) > 0);
    return certificate;
}

std::string to_pem(X509* certificate) {
    BIO* memory = BIO_new(BIO_s_mem());
    insist(PEM_write_bio_X509(memory, certificate) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(memory);
    return pem;
}

}  // namespace

TestCertificate make_test_certificate() {
    // By their names a client with several tells them apart.
    static std::atomic<int> made_before = 0;
    const std::string name = "Hardshell test authority " + std::to_string(++made_before);
    const Key authority_key = make_key();
    const Certificate authority =
        make_certificate(name.c_str(), 1, authority_key.get(), nullptr, authority_key.get(), true);
    const Key key = make_key();
    const Certificate certificate =
        make_certificate("localhost", 2, key.get(), authority.get(), authority_key.get(), false);
    TestCertificate made;
    made.server.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    insist(made.server != nullptr);
    insist(SSL_CTX_use_certificate(made.server.get(), certificate.get()) == 1);
    insist(SSL_CTX_use_PrivateKey(made.server.get(), key.get()) == 1);
    made.authority_pem = to_pem(authority.get());
    return made;
}
