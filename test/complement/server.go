// One Selvedge server of a deployment: a process of `npm start`, its folder, and its certificate.
package complement

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/matrix-org/complement/config"
)

const (
	readyWithin    = 60 * time.Second
	federationPort = "8448"
)

// Some tests rely on what version 12 changed: that a creator has a power level like anybody else.
var options = []string{
	"--default-room-version", "11", "--password-cost", "low", "--rate-limits", "off",
	"--registration-shared-secret", "complement", "--allow-private-networks", "on", "--guests", "on",
	"--open-media", "on", "--log-level", "warn", "--federation", "on", "--key-notaries", "none",
}

// selvedge is one server. Its name is the address that it listens on.
type selvedge struct {
	name    string
	folder  string
	address string
	process *exec.Cmd
}

func newServer(name string, cfg *config.Complement) (*selvedge, error) {
	folder, err := os.MkdirTemp("", "selvedge-complement-")
	if err != nil {
		return nil, err
	}
	if err := writeCertificates(folder, name, cfg); err != nil {
		return nil, err
	}
	address, err := freeAddress(name)
	if err != nil {
		return nil, err
	}
	server := &selvedge{name: name, folder: folder, address: address}
	return server, server.start()
}

func freeAddress(host string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func (s *selvedge) baseURL() string { return "http://" + s.address }

func (s *selvedge) in(file string) string { return filepath.Join(s.folder, file) }

func (s *selvedge) start() error {
	log, err := os.OpenFile(s.in("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	earlier, err := log.Stat()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.address)
	own := []string{
		"local/start.mjs", "--server-name", s.name, "--host", s.name, "--port", port, "--https-port", federationPort,
		"--data-dir", s.in("data"), "--tls-cert", s.in("cert.pem"), "--tls-key", s.in("key.pem"), "--ca", s.in("ca.pem"),
	}
	s.process = exec.Command("node", append(own, options...)...)
	s.process.Dir = os.Getenv("COMPLEMENT_SERVER")
	s.process.Stdout = log
	s.process.Stderr = log
	if err := s.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		said, err := os.ReadFile(log.Name())
		if err == nil && strings.Contains(string(said[earlier.Size():]), "ready: https:") {
			return nil
		}
	}
	return fmt.Errorf("not ready within %s, see %s", readyWithin, log.Name())
}

func (s *selvedge) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
}

// overTLS sends requests to servers by their names, which are their addresses.
func overTLS(cfg *config.Complement) http.RoundTripper {
	trusted := x509.NewCertPool()
	trusted.AddCert(cfg.CACertificate)
	return asHTTPS{&http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
}

// asHTTPS replaces the scheme by which Complement marks requests between servers, and finds their port.
type asHTTPS struct{ next http.RoundTripper }

func (r asHTTPS) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.URL.Scheme = "https"
	if sent.URL.Port() == "" {
		sent.URL.Host = net.JoinHostPort(sent.URL.Hostname(), federationPort)
	}
	return r.next.RoundTrip(sent)
}

// writeCertificates writes Complement's own authority and a certificate for the address that it signed.
func writeCertificates(folder, address string, cfg *config.Complement) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: address},
		IPAddresses:  []net.IP{net.ParseIP(address)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, cfg.CACertificate, key.Public(), cfg.CAPrivateKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	files := map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: cfg.CACertificate.Raw},
		"cert.pem": {Type: "CERTIFICATE", Bytes: signed},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	}
	for name, block := range files {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
