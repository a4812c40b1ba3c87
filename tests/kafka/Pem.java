// Writes what a PKCS#12 store holds as PEM files beside it, which keytool cannot do for private keys:
//
//   java Pem.java STORE PASSWORD    for each alias: ALIAS.pem the certificate chain, ALIAS.key the key (PKCS#8),
//                                   ALIAS-both.pem the one after the other

import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Base64;
import java.util.Collections;

class Pem {
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]).toAbsolutePath().getParent();
        char[] password = args[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(args[0])) {
            store.load(in, password);
        }
        for (String alias : Collections.list(store.aliases())) {
            StringBuilder chain = new StringBuilder();
            for (Certificate certificate : store.getCertificateChain(alias)) {
                chain.append(pem("CERTIFICATE", certificate.getEncoded()));
            }
            String key = pem("PRIVATE KEY", store.getKey(alias, password).getEncoded());
            Files.writeString(folder.resolve(alias + ".pem"), chain);
            Files.writeString(folder.resolve(alias + ".key"), key);
            Files.writeString(folder.resolve(alias + "-both.pem"), key + chain);
        }
    }

    private static String pem(String kind, byte[] bytes) {
        String lines = Base64.getMimeEncoder(64, "\n".getBytes()).encodeToString(bytes);
        return "-----BEGIN " + kind + "-----\n" + lines + "\n-----END " + kind + "-----\n";
    }
}
