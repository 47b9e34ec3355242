// A certificate authority of a test's own, and a certificate for localhost that it signed.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

struct TestCertificate {
    std::shared_ptr<SSL_CTX> server;  // ready for SSL_new; shared by the connections' threads
    std::string authority_pem;
};

TestCertificate make_test_certificate();
