#include "workers/common/client_context.h"

Done ClientContext::check() {
    (void)tls();
    if (!failure_.what.empty()) return failure_;
    return {};
}

SSL_CTX* ClientContext::tls() {
    if (tls_ || !failure_.what.empty()) return tls_.get();
    tls_.reset(SSL_CTX_new(TLS_client_method()));
    if (!tls_) {
        failure_ = {Fault::system, "OpenSSL cannot start"};
        return nullptr;
    }
    SSL_CTX* made = tls_.get();
    SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
    // An idle connection keeps no buffers: 34 KB each.
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!options_.certificate_directory.empty())
        SSL_CTX_load_verify_dir(made, options_.certificate_directory.c_str());
    if (!options_.certificate_file.empty() &&
        SSL_CTX_load_verify_file(made, options_.certificate_file.c_str()) != 1) {
        failure_ = {Fault::bad_config,
                    "cannot read certificate authorities from " + options_.certificate_file +
                        "; it must be a PEM file that this worker's own user can read (chmod a+r)"};
        tls_.reset();
    }
    return tls_.get();
}
