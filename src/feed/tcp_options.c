/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "feed/tcp_connect.h"
#include "io/dial.h"

static int
tcp_options_check_address(const void *value, struct err *err)
{
	return dial_check(*(char *const *)value, err);
}

#define TCP_ROW(name_, member)           \
	.name = name_, .group = "feeds", \
	.offset = offsetof(struct tcp_options, member)
#define TCP_SECS(name_, member, preset_, min_, max_)                    \
	TCP_ROW(name_, member), .type = OPTION_SECS, .preset = preset_, \
				.min = min_, .max = max_, .unit = "s"
#define TCP_TEXT(name_, member) \
	TCP_ROW(name_, member), .type = OPTION_TEXT, .unit = ""

const struct option_row tcp_connect_options[] = {
    SPOOLED_OPTIONS,
    {TCP_TEXT("address", address), .required = true,
	.check = tcp_options_check_address,
	.help = "Where the switch listens: \"switch.example.org:5038\", "
		"\"[2001:db8::1]:5038\" or \"unix:/run/switch.sock\". A name "
		"is looked up again for each connection."},
    {TCP_TEXT("user", user), .max = 256,
	.help = "As whom to log in, where the format does."},
    {TCP_TEXT("secret_file", secret_file),
	.help = "File with the password, one line, that its owner and group "
		"alone may read. It is read for each login."},
    {TCP_SECS("connect_timeout_s", connect_us, "10", 0.01, 600),
	.help = "Time for each of: connecting, shaking hands by TLS, and "
		"logging in."},
    {TCP_SECS("retry_s", retry_us, "1", 0.01, 3600),
	.help = "Time until a connection is tried again; doubled each time "
		"it fails."},
    {TCP_SECS("retry_max_s", retry_max_us, "60", 0.01, 86400),
	.help = "The longest of these times."},
    {TCP_ROW("retry_jitter_pct", jitter_pct), .type = OPTION_INT,
	.preset = "25", .min = 0, .max = 100, .unit = "%",
	.help = "How much of each of these times may be left out, by chance, "
		"so that not all who were cut off come back at once."},
    {TCP_SECS("refused_retry_s", refused_us, "300", 0.01, 86400),
	.help = "Time until a login is tried again that was refused, as for a "
		"wrong password: switches lock out who tries too often."},
    {TCP_SECS("keepalive_s", keep_alive_us, "30", 0, 86400),
	.help = "After so long a silence the kernel asks the other machine "
		"whether it is still there (TCP keep-alive), and ends the "
		"connection when nobody answers for as long again. 0: it "
		"does not."},
    {TCP_SECS("silence_s", silence_us, "0", 0, 2592000),
	.help = "When nothing was heard for so long the connection is given "
		"up and made anew; at half of it the switch is asked "
		"something, where the format knows how. 0: 60 seconds with "
		"such a format, and as long as it likes with any other."},
    {TCP_ROW("memory_kb", memory_kb), .type = OPTION_INT, .preset = "8192",
	.min = 128, .max = 1048576, .unit = "KiB",
	.help = "How much is read on into memory while the spool has no room. "
		"Beyond it the switch has to wait, and may cut us off."},
    {TCP_ROW("tls", tls), .type = OPTION_BOOL, .preset = "false", .unit = "",
	.help = "Whether TLS is spoken, 1.2 or later. The certificate of the "
		"switch is always verified."},
    {TCP_TEXT("tls_ca_file", tls_ca_file),
	.help = "The certificates (PEM) that one of must stand for that of "
		"the switch, or its own. The default is what the system "
		"trusts."},
    {TCP_TEXT("tls_name", tls_name), .max = 255,
	.help = "The name, or the address, that the switch's certificate must "
		"bear. The default is that in address."},
    {TCP_TEXT("tls_cert_file", tls_cert_file),
	.help = "Our certificate and its chain (PEM), where the switch asks "
		"for one."},
    {TCP_TEXT("tls_key_file", tls_key_file),
	.help = "Its private key (PEM), which not everybody may read."},
    {.name = NULL},
};
