"""A real mail server (Debian's python3-aiosmtpd) for one test: STARTTLS and a login are required.

Started as `server.py CERTIFICATE KEY [implicit]`; `implicit` is TLS from the first byte instead. Its first line says its
port, then each mail that it took is one line of JSON, read by Python's own `email` package. It ends when its input does.
"""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes, message_from_string, policy

from aiosmtpd.smtp import SMTP, AuthResult


def say(value):
    print(json.dumps(value), flush=True)


class Taken:
    """Reads a mail as a mail program would."""

    async def handle_DATA(self, server, session, envelope):
        raw = envelope.original_content
        # Headers beyond ASCII mean something only where both sides agreed to it.
        if "SMTPUTF8" in envelope.mail_options:
            mail = message_from_string(raw.decode("utf-8"), policy=policy.default)
        else:
            mail = message_from_bytes(raw, policy=policy.default)
        parts = [
            {
                "type": part.get_content_type(),
                "charset": part.get_content_charset(),
                "encoding": part["Content-Transfer-Encoding"],
                "text": part.get_content(),
            }
            for part in mail.walk()
            if not part.is_multipart()
        ]
        defects = [repr(defect) for part in mail.walk() for defect in part.defects]
        defects += [f"{name}: {defect!r}" for name, value in mail.items() for defect in value.defects]
        say({
            "peer": session.auth_data.decode() if session.auth_data else None,
            "tls": session.ssl is not None,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "recipients": [[address.display_name, address.addr_spec] for address in mail["To"].addresses],
            "sender": [[address.display_name, address.addr_spec] for address in mail["From"].addresses],
            "type": mail.get_content_type(),
            "parts": parts,
            "defects": defects,
            "raw": raw.decode("utf-8"),
        })
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, login):
    good = login.login == b"desk" and login.password == b"hunter2"
    return AuthResult(success=good, handled=False, auth_data=login.login)


async def main(certificate, key, kind="starttls"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    implicit = kind == "implicit"

    def server():
        return SMTP(
            Taken(), hostname="mail.test", enable_SMTPUTF8=True, tls_context=None if implicit else context,
            require_starttls=not implicit, auth_required=True, auth_require_tls=not implicit, authenticator=authenticate,
        )

    outer = context if implicit else None
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=outer)
    say(listener.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
