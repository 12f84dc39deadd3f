# Build: packages first, in a layer of their own that only changes with the project file and the lock file.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
ENV CI=true
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY PyProxy.Gateway/PyProxy.Gateway.csproj PyProxy.Gateway/packages.lock.json PyProxy.Gateway/
RUN dotnet restore PyProxy.Gateway -p:PublishReadyToRun=true
COPY PyProxy.Gateway/ PyProxy.Gateway/
# For this machine's processor: compiled ahead of time, and with the native parts of packages for it only.
RUN runtime="linux-$(uname -m | sed -e s/x86_64/x64/ -e s/aarch64/arm64/)" \
 && dotnet publish PyProxy.Gateway --no-restore --configuration Release --runtime "$runtime" --no-self-contained --output /app \
 && test -f /app/libe_sqlite3.so \
 && mkdir /data
COPY appsettings.json /app/appsettings.json
# The root file without what is only good on one's own machine: a user whose password everybody can read, and the way to loopback.
# What this does not recognise any more must not get into the image.
RUN sed -i -e '/alice/d' -e '/AllowedAddresses/d' -e '/on this machine/d' /app/appsettings.json \
 && ! grep -qE 'PasswordHash|AllowedAddresses' /app/appsettings.json \
 && dotnet /app/PyProxy.Gateway.dll check --config /app/appsettings.json

# Run: no shell, no package manager, not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
LABEL org.opencontainers.image.title="PyProxy.Gateway" \
      org.opencontainers.image.description="Reverse and forward proxy (HTTP, CONNECT, SOCKS5) for many users" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /app ./
# The owner of a fresh volume is taken from the directory that it covers.
COPY --from=build --chown=$APP_UID:$APP_UID /data /data

# Other machines have to reach it, so it listens on all addresses. A forward endpoint that others reach needs users: without any, the
# gateway refuses to start (exit code 78).
# ASPNETCORE_HTTP_PORTS is the base image's; the endpoints are named here instead.
# DOTNET_EnableDiagnostics=0: the diagnostics port would need a writable /tmp.
ENV ASPNETCORE_HTTP_PORTS= \
    DOTNET_EnableDiagnostics=0 \
    Kestrel__Endpoints__Web__Url=http://*:8080 \
    Kestrel__Endpoints__Web__Role=Reverse \
    Kestrel__Endpoints__Proxy__Url=http://*:3128 \
    Kestrel__Endpoints__Proxy__Role=Forward \
    Kestrel__Endpoints__Socks__Url=http://*:1080 \
    Kestrel__Endpoints__Socks__Role=Socks \
    Kestrel__Endpoints__Admin__Url=http://*:9090 \
    Kestrel__Endpoints__Admin__Role=Admin \
    Gateway__DataDirectory=/data
EXPOSE 8080 3128 1080 9090
VOLUME /data
USER $APP_UID
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["dotnet", "PyProxy.Gateway.dll", "health"]
ENTRYPOINT ["dotnet", "PyProxy.Gateway.dll"]
