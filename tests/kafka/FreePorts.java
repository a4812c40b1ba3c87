// Prints as many TCP ports as asked for that nobody listens on at 127.0.0.1, all of them different.

import java.net.InetAddress;
import java.net.ServerSocket;

class FreePorts {
    public static void main(String[] args) throws Exception {
        ServerSocket[] sockets = new ServerSocket[Integer.parseInt(args[0])];
        StringBuilder ports = new StringBuilder();
        for (int n = 0; n < sockets.length; n++) {
            sockets[n] = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            ports.append(n == 0 ? "" : " ").append(sockets[n].getLocalPort());
        }
        for (ServerSocket socket : sockets) {
            socket.close();
        }
        System.out.println(ports);
    }
}
