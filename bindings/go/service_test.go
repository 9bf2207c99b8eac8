package acurast_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	acurast "github.com/libacurast/libacurast/bindings/go"
)

func TestServiceByDefault(t *testing.T) {
	leakless(t)
	service := newService(t)
	if want := fmt.Sprintf("ws://127.0.0.1:%d", service.Port()); service.URL() != want || service.Port() == 0 {
		t.Fatalf("%s, not %s", service.URL(), want)
	}
	if service.AdminURL() != "" {
		t.Fatal(service.AdminURL())
	}
	if service.State() != acurast.Listening {
		t.Fatal(service.State())
	}
	dial(t, service.URL())
}

func TestServiceListens(t *testing.T) {
	leakless(t)
	address := addressOf(nowhere(t))
	service := newService(t, acurast.WithListen(address, anywhere))
	if service.URL() != "ws://"+address {
		t.Fatalf("%s, not %s", service.URL(), address)
	}
	dial(t, service.URL())
	_, err := acurast.NewService(acurast.WithListen(address))
	wants(t, err, acurast.ErrAddressInUse)
	service.Close()
	again := newService(t, acurast.WithListen(address))
	dial(t, again.URL())
}

func TestServiceWithBadOptions(t *testing.T) {
	leakless(t)
	for name, each := range map[string]struct {
		option acurast.ServiceOption
		want   error
	}{
		"no address":       {acurast.WithListen("nonsense"), acurast.ErrBadOption},
		"not our address":  {acurast.WithListen("192.0.2.1:0"), acurast.ErrInvalid},
		"no key":           {acurast.WithTLSCert("/nonexistent/cert.pem"), acurast.ErrBadOption},
		"no id":            {acurast.WithDeny("zz"), acurast.ErrBadOption},
		"no list":          {acurast.WithDenyFile("/nonexistent/deny.txt"), acurast.ErrBadOption},
		"an engine of nil": {acurast.WithEngine(nil), acurast.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			service, err := acurast.NewService(each.option)
			if service != nil {
				t.Fatal("there is a service")
			}
			wants(t, err, each.want)
		})
	}
}

var connections = regexp.MustCompile(`(?m)^acurast_connections 1$`)

func TestMetrics(t *testing.T) {
	leakless(t)
	service := newService(t, acurast.WithAdminListen(anywhere))
	dial(t, service.URL())
	text, err := service.Metrics()
	check(t, err)
	if !connections.MatchString(text) {
		t.Fatal(text)
	}
	if body := get(t, service.AdminURL()+"/metrics"); !connections.MatchString(body) {
		t.Fatal(body)
	}
	get(t, service.AdminURL()+"/healthz")
	service.Close()
	_, err = service.Metrics()
	wants(t, err, acurast.ErrClosed)
	wants(t, service.Reload(), acurast.ErrClosed)
}

func get(t *testing.T, url string) string {
	t.Helper()
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	answer, err := once.Get(url)
	check(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, answer.Status)
	}
	return string(body)
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestReload(t *testing.T) {
	leakless(t)
	path := write(t, "deny.txt", []byte("# nobody\n"))
	service := newService(t, acurast.WithDenyFile(path))
	denied, other := dial(t, service.URL()), dial(t, service.URL())
	changes := denied.States(context.Background())
	check(t, os.WriteFile(path, []byte(denied.ID().String()+"\n"), 0o600))
	check(t, service.Reload())
	wants(t, reaches(t, changes, acurast.Closed).Err, acurast.ErrDenied)
	send(t, other, other, "still here")
	receiveText(t, other, "still here")

	check(t, os.WriteFile(path, []byte("nonsense\n"), 0o600))
	wants(t, service.Reload(), acurast.ErrBadOption)
	dial(t, service.URL()) // by the old list
}

func TestAllowedAlone(t *testing.T) {
	leakless(t)
	allowed := newIdentity(t, acurast.P256)
	service := newService(t, acurast.WithAllow(allowed.PublicKey().String()))
	dial(t, service.URL(), acurast.WithIdentity(allowed))
	_, err := acurast.Dial(patient(t), service.URL())
	wants(t, err, acurast.ErrDenied)
}

func TestServiceDrains(t *testing.T) {
	leakless(t)
	service := newService(t)
	changes := service.States(context.Background())
	client := dial(t, service.URL())
	ofClient := client.States(context.Background())
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := service.Close(); err != nil || service.State() != acurast.Closed {
				t.Errorf("%v, %v", err, service.State())
			}
		}()
	}
	group.Wait()
	wantStates(t, awaitEnd(t, changes, "the states"), "^draining closed $")
	if late := awaitEnd(t, service.States(context.Background()), "the states after the end"); len(late) > 0 {
		t.Fatalf("%+v", late)
	}
	lost := reaches(t, ofClient, acurast.Disconnected)
	wants(t, lost.Err, acurast.ErrDraining)
	if lost.CloseCode != 1001 {
		t.Fatal(lost.CloseCode)
	}
}

// certificate makes one for localhost, and its key, as PEM.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	check(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func TestTLS(t *testing.T) {
	leakless(t)
	cert, key := certificate(t)
	certPath := write(t, "cert.pem", cert)
	service := newService(t, acurast.WithTLSCert(certPath), acurast.WithTLSKey(write(t, "key.pem", key)))
	if service.URL() != fmt.Sprintf("wss://127.0.0.1:%d", service.Port()) {
		t.Fatal(service.URL())
	}
	for _, trust := range []acurast.ClientOption{acurast.WithCAPEM(string(cert)), acurast.WithCAFile(certPath)} {
		client := dial(t, service.URL(), trust)
		send(t, client, client, "in secret")
		receiveText(t, client, "in secret")
	}
	_, otherKey := certificate(t)
	_, err := acurast.NewService(acurast.WithTLSCert(certPath), acurast.WithTLSKey(write(t, "other.pem", otherKey)))
	wants(t, err, acurast.ErrTLS)

	client, err := acurast.New(service.URL())
	check(t, err)
	defer client.Close()
	changes := client.States(context.Background())
	go client.Connect(patient(t))
	if change := reaches(t, changes, acurast.Disconnected); !errors.Is(change.Err, acurast.ErrTLS) {
		t.Fatalf("%v, though nobody trusts this certificate", change.Err)
	}
}
