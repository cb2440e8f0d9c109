import java.security.Provider;
import java.security.Security;
import java.util.TimeZone;

/** Defaults for everybody: time zone, security providers, how long addresses are cached, logging levels. */
final class Defaults extends Victim {
    private static final class Mine extends Provider {
        private static final long serialVersionUID = 1L;

        Mine(String secret) {
            super("victim", "1", secret);
        }
    }

    @Override
    String handle(String secret) {
        Provider provider = Security.getProvider("victim");
        String seen = "{\"zone\":\"" + TimeZone.getDefault().getID() + "\",\"provider\":"
                + (provider == null ? "null" : "\"" + provider.getInfo() + "\"") + ",\"ttl\":\""
                + Security.getProperty("networkaddress.cache.ttl") + "\"}";
        TimeZone.setDefault(TimeZone.getTimeZone("Asia/Kathmandu"));
        Security.insertProviderAt(new Mine(secret), 1);
        Security.setProperty("networkaddress.cache.ttl", "1");
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new Defaults().run();
    }
}
