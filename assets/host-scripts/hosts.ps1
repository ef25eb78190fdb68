& {
  try {
    $name = '__NAME__'
    $server = '__HOST__'
    $file = "$env:SystemRoot\System32\drivers\etc\hosts"
    $address = $null
    $until = (Get-Date).AddSeconds(25)
    while ((Get-Date) -lt $until) {
      $found = Resolve-DnsName -Name $name -Type A -QuickTimeout -ErrorAction SilentlyContinue
      $address = ($found | Where-Object { $_.IPAddress } | Select-Object -First 1).IPAddress
      if ($address) { break }
      Start-Sleep -Seconds 2
    }
    if ($address) {
      $others = @(Get-Content -Path $file -ErrorAction Stop | Where-Object { $_ -notmatch ' # studiolink$' })
      $lines = $others + ('{0} {1} # studiolink' -f $address, $server)
      Set-Content -Path $file -Value $lines -ErrorAction Stop
      Write-Output "studiolink: $server is $address, by $name"
    } else {
      Write-Output "studiolink: $name does not resolve, so $server was not written to the hosts file"
    }
  } catch {
    Write-Output "studiolink: the hosts file was not changed: $_"
  }
}
