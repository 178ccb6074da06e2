import assert from 'node:assert/strict';
import { loadTls } from '../../../src/server/nbd/tls.ts';
import { attempt, shell } from './shell.ts';
import type { Site } from './site.ts';

type ClientTest = (
  name: string,
  programs: readonly string[],
  megabytes: number,
  body: (site: Site) => Promise<void>,
) => void;

/** Makes an authority, a server's and a client's certificate, as GnuTLS's tools do it. */
function certificates(folder: string): Promise<string> {
  return shell(`mkdir -p ${folder}/pki/stranger; cd ${folder}/pki
    make() {
      certtool --generate-privkey --key-type=ecdsa --outfile $1-key.pem 2> log
    }
    make ca
    printf 'cn=test authority\\nca\\ncert_signing_key\\nexpiration_days=2\\n' > ca.info
    certtool --generate-self-signed --load-privkey ca-key.pem --template ca.info \
      --outfile ca-cert.pem 2> log
    for role in server client; do
      make $role
      printf "cn=localhost\\ndns_name=localhost\\ntls_www_$role\\nsigning_key\\n" > $role.info
      certtool --generate-certificate --load-ca-certificate ca-cert.pem \
        --load-ca-privkey ca-key.pem --load-privkey $role-key.pem --template $role.info \
        --outfile $role-cert.pem 2> log
    done
    cp ca-cert.pem stranger/`);
}

export function tlsTests(clientTest: ClientTest): void {
  clientTest('TLS with certificates', ['nbdcopy', 'nbdinfo', 'certtool'], 64, async (site) => {
    await certificates(site.folder);
    const pki = `${site.folder}/pki`;
    const port = await site.listenTls(loadTls({ certificates: pki, verifyClient: true }));
    const uri = `nbds://localhost:${port}/disk?tls-certificates=${pki}`;
    assert.match(await shell(`nbdinfo '${uri}'`), /newstyle-fixed with TLS/);
    await shell(`cd ${site.folder}
      head -c 64M /dev/urandom > image
      nbdcopy image '${uri}'
      nbdcopy '${uri}' copy
      cmp image copy`);
    const plain = await attempt(`nbdinfo nbd://localhost:${port}/disk`);
    assert.match(plain.stderr, /TLS|not supported/, 'without TLS nothing is told');
    const stranger = `nbds://localhost:${port}/disk?tls-certificates=${pki}/stranger`;
    assert.notEqual((await attempt(`nbdinfo '${stranger}'`)).code, 0, 'a certificate is demanded');
  });

  clientTest('TLS of qemu', ['qemu-img', 'certtool'], 16, async (site) => {
    await certificates(site.folder);
    const pki = `${site.folder}/pki`;
    const port = await site.listenTls(loadTls({ certificates: pki }));
    const image = `--object tls-creds-x509,id=tls,dir=${pki},endpoint=client --image-opts \
      driver=nbd,host=localhost,port=${port},export=disk,tls-creds=tls`;
    assert.match(await shell(`qemu-img info ${image}`), /virtual size: 16 MiB/);
  });

  clientTest('TLS with a pre-shared key', ['nbdcopy', 'nbdinfo', 'psktool'], 64, async (site) => {
    const keys = `${site.folder}/keys.psk`;
    await shell(`psktool -u alice -p ${keys} 2> /dev/null`);
    const port = await site.listenTls(loadTls({ preSharedKeys: keys }));
    const uri = `nbds://alice@localhost:${port}/disk?tls-psk-file=${keys}`;
    await shell(`cd ${site.folder}
      head -c 20M /dev/urandom > image; truncate -s 64M image
      nbdcopy image '${uri}'
      nbdcopy '${uri}' copy
      cmp image copy
      psktool -u alice -p other.psk 2> /dev/null`);
    const wrong = `nbds://alice@localhost:${port}/disk?tls-psk-file=${site.folder}/other.psk`;
    assert.notEqual((await attempt(`nbdinfo '${wrong}'`)).code, 0, 'another key is no key');
  });
}
