#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros that Swift cannot read.
static const uint64_t ccrypto_no_compression = SSL_OP_NO_COMPRESSION;
static const uint64_t ccrypto_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t ccrypto_no_ticket = SSL_OP_NO_TICKET;
