/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "io/tls.h"

struct tls {
	SSL_CTX *ctx;
	char *name; /* NULL: a server */
};

/* The last thing that went wrong, which says most. */
static int
tls_fail(struct err *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return err_set(err, "%s: %s", what,
	    why != NULL ? why : "OpenSSL does not say why");
}

/* OpenSSL says only that a call to the system has failed. */
static int
tls_check_file(const char *path, struct err *err)
{
	if (access(path, R_OK) < 0)
		return err_sys(err, "%s", path);
	return 0;
}

/* A key that everybody can read is no secret. */
static int
tls_check_key(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, "%s", path);
	if (st.st_mode & S_IROTH)
		return err_set(
		    err, "%s: everybody may read it (chmod o-r)", path);
	return 0;
}

/* OpenSSL would ask whoever sits at the terminal, and wait for him. */
static int
tls_passphrase(char *to RT_UNUSED, int size RT_UNUSED, int rw RT_UNUSED,
    void *ctx RT_UNUSED)
{
	return -1;
}

static int
tls_use_own(SSL_CTX *ctx, const struct tls_config *config, struct err *err)
{
	if (config->cert_file == NULL)
		return 0;
	if (config->key_file == NULL)
		return err_set(err, "a certificate needs its key");
	if (tls_check_file(config->cert_file, err) < 0 ||
	    tls_check_key(config->key_file, err) < 0 ||
	    tls_check_file(config->key_file, err) < 0)
		return -1;
	SSL_CTX_set_default_passwd_cb(ctx, tls_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, config->cert_file) != 1)
		return tls_fail(err, config->cert_file);
	if (SSL_CTX_use_PrivateKey_file(
		ctx, config->key_file, SSL_FILETYPE_PEM) != 1)
		return tls_fail(err, config->key_file);
	return 0;
}

static int
tls_use_trusted(SSL_CTX *ctx, const struct tls_config *config, struct err *err)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	if (config->ca_file != NULL) {
		if (tls_check_file(config->ca_file, err) < 0)
			return -1;
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		if (SSL_CTX_load_verify_file(ctx, config->ca_file) != 1)
			return tls_fail(err, config->ca_file);
	} else if (!config->server &&
	    SSL_CTX_set_default_verify_paths(ctx) != 1) {
		return tls_fail(err, "the certificates that the system trusts");
	}
	if (!config->server)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	else if (config->ca_file != NULL)
		SSL_CTX_set_verify(ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

struct tls *
tls_new(const struct tls_config *config, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(
	    config->server ? TLS_server_method() : TLS_client_method());
	struct tls *tls;

	if (ctx == NULL) {
		tls_fail(err, "TLS");
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (tls_use_own(ctx, config, err) < 0 ||
	    tls_use_trusted(ctx, config, err) < 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	tls = mem_alloc(sizeof(*tls));
	*tls = (struct tls){.ctx = ctx};
	if (!config->server)
		tls->name = mem_strdup(config->name);
	return tls;
}

/*
 * What was made of files, of servers. They are few, and live as long as we: a
 * feed that is opened anew is to find them though the files are broken now.
 */
struct tls_kept {
	SLIST_ENTRY(tls_kept) list;
	char *files;
	SSL_CTX *ctx;
};

static SLIST_HEAD(, tls_kept) tls_all = SLIST_HEAD_INITIALIZER(tls_all);

static struct tls_kept *
tls_find(const char *files)
{
	struct tls_kept *kept;

	SLIST_FOREACH(kept, &tls_all, list)
	if (strcmp(kept->files, files) == 0)
		return kept;
	kept = mem_zalloc(sizeof(*kept));
	kept->files = mem_strdup(files);
	SLIST_INSERT_HEAD(&tls_all, kept, list);
	return kept;
}

struct tls *
tls_new_kept(const struct tls_config *config, bool *kept, struct err *err)
{
	const char *ca = config->ca_file != NULL ? config->ca_file : "";
	struct strbuf files = STRBUF_INIT;
	struct tls *tls = tls_new(config, err);
	struct tls_kept *known;

	BUG_ON(!config->server);
	strbuf_addf(
	    &files, "%s\n%s\n%s", config->cert_file, config->key_file, ca);
	known = tls_find(strbuf_str(&files));
	strbuf_fini(&files);
	*kept = tls == NULL && known->ctx != NULL;
	if (tls != NULL) {
		SSL_CTX_free(known->ctx);
		SSL_CTX_up_ref(tls->ctx);
		known->ctx = tls->ctx;
	} else if (*kept) {
		SSL_CTX_up_ref(known->ctx);
		tls = mem_zalloc(sizeof(*tls));
		tls->ctx = known->ctx;
	}
	return tls;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls->name);
	free(tls);
}

/* The name is verified, and said, for servers that have several. */
static bool
tls_expect(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	uint8_t number[16];

	if (inet_pton(AF_INET, name, number) == 1 ||
	    inet_pton(AF_INET6, name, number) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* what SSL_set_tlsext_host_name does, which casts const away */
	return SSL_set1_host(ssl, name) == 1 &&
	    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name) == 1;
}

struct ssl_st *
tls_begin(const struct tls *tls, int fd, struct err *err)
{
	SSL *ssl = SSL_new(tls->ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    (tls->name != NULL && !tls_expect(ssl, tls->name))) {
		tls_fail(err, "TLS");
		SSL_free(ssl);
		return NULL;
	}
	if (tls->name != NULL)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return ssl;
}

void
tls_why(const struct ssl_st *ssl, char *text, size_t size)
{
	long verified = SSL_get_verify_result(ssl);
	unsigned long code = ERR_peek_error();
	const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

	if (verified != X509_V_OK)
		snprintf(text, size, "its certificate: %s",
		    X509_verify_cert_error_string(verified));
	else
		snprintf(text, size, "TLS: %s",
		    why != NULL ? why : "the connection broke off");
	ERR_clear_error();
}
