// What a bed takes over from this machine: where packages come from, and whom to trust.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Where systems keep the certificates they trust, in one file. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Variables that name a file of certificates. */
const CERTIFICATE_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'];

/** What is handed on as it is; and in small letters, as curl and apt know it. */
const HANDED_ON = ['CI', 'TERM', 'COLORTERM', 'WINEDEBUG', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** @returns {string | undefined} the mirror of this machine's own Debian; undefined: debootstrap's choice */
export function mirror() {
  const format = '$(ORIGIN) $(SUITE) $(CODENAME) $(REPO_URI)';
  const list = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], { encoding: 'utf8' });
  return mirrorIn(list.stdout);
}

/**
 * @param {string} list a line per index: origin, suite, codename, address
 * @returns {string | undefined}
 */
export function mirrorIn(list) {
  // Its updates and its security fixes come from other places, with names of their own.
  return /^Debian \S+ [a-z]+ (\S+)$/m.exec(list)?.[1];
}

/** @returns {[string, Buffer | string][]} files by their path in the bed */
export function hostFiles() {
  const files = [CERTIFICATES, ...CERTIFICATE_VARIABLES.map((name) => process.env[name])];
  const given = new Set(files.filter((file) => file !== undefined && existsSync(file)));
  /** @type {[string, Buffer | string][]} */
  const copies = [...given].map((file) => [/** @type {string} */ (file), readFileSync(/** @type {string} */ (file))]);
  return [
    ...copies,
    ['/etc/resolv.conf', readFileSync('/etc/resolv.conf')],
    ['/etc/hosts', readFileSync('/etc/hosts')],
    ['/etc/apt/apt.conf.d/99host', aptProxies()],
  ];
}

function aptProxies() {
  const { stdout } = spawnSync('apt-config', ['dump'], { encoding: 'utf8' });
  return (
    stdout
      .split('\n')
      .filter((line) => /^Acquire::https?::(Proxy|CaInfo)\b/i.test(line))
      .join('\n') + '\n'
  );
}

/** @returns {NodeJS.ProcessEnv} */
export function hostEnvironment() {
  const names = [...HANDED_ON, ...HANDED_ON.map((name) => name.toLowerCase()), ...CERTIFICATE_VARIABLES];
  const kept = Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return {
    ...kept,
    ...npmConfiguration(),
    HOME: '/root',
    LANG: 'C.UTF-8',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
}

/** As variables, which come before every file of npm's. */
function npmConfiguration() {
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim();
  return {
    ...(registry.startsWith('http') && { npm_config_registry: registry }),
    ...(existsSync(CERTIFICATES) && { npm_config_cafile: CERTIFICATES }),
    npm_config_update_notifier: 'false',
  };
}
